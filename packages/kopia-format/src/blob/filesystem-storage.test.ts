import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { utf8Decode, utf8Encode } from "../base/bytes.ts";
import { collectAsync } from "../base/collect-async.ts";
import { isKopiaError } from "../base/errors.ts";
import { seededBytes, seededRandom } from "../testing/seeded.ts";
import { openFilesystemStorage } from "./filesystem-storage.ts";
import type { BlobStorage } from "./storage.ts";

const PACK = "p0102030405060708090a0b0c0d0e0f10-s0011223344556677144";
const isRoot = process.geteuid?.() === 0;

let base: string;
let path: string;

beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), "kopia-filesystem-"));
  path = join(base, "repo");
});
afterEach(() => fs.rmSync(base, { recursive: true }));

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isKopiaError(error)) return error.code;
    throw error;
  }
  return "no error";
}

/** Relative paths of all files. */
function filesBelow(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .toSorted();
}

function idsOf(storage: BlobStorage, prefix = ""): Promise<string[]> {
  return collectAsync(storage.list(prefix)).then((blobs) => blobs.map(({ id }) => id).toSorted());
}

test("a new repository gets the layout [1,3], written before the first blob", async () => {
  const storage = await openFilesystemStorage({ path, create: true });
  expect(fs.readdirSync(path)).toEqual([]);
  expect(await codeOf(storage.get("kopia.repository"))).toBe("BLOB_NOT_FOUND");
  expect(fs.readdirSync(path)).toEqual([]);
  await storage.put("kopia.repository", utf8Encode("{}"));
  await storage.put(PACK, utf8Encode("pack"));
  expect(filesBelow(path)).toEqual([
    ".shards",
    "kopia.repository.f",
    "p/010/2030405060708090a0b0c0d0e0f10-s0011223344556677144.f",
  ]);
  expect(fs.readFileSync(join(path, ".shards"), "utf8")).toBe(
    '{"default":[1,3],"maxNonShardedLength":20}\n',
  );
});

test("without a .shards file an existing repository has the layout [3,3]", async () => {
  fs.mkdirSync(join(path, "p01", "020"), { recursive: true });
  fs.writeFileSync(join(path, "p01", "020", `${PACK.slice(6)}.f`), "pack");
  const storage = await openFilesystemStorage({ path });
  expect(utf8Decode(await storage.get(PACK))).toBe("pack");
  expect(fs.existsSync(join(path, ".shards"))).toBe(false);
  await storage.put("xe1", utf8Encode("epoch-marker"));
  expect(fs.readFileSync(join(path, ".shards"), "utf8")).toBe(
    '{"default":[3,3],"maxNonShardedLength":20}\n',
  );
});

test("an existing .shards wins over every option", async () => {
  fs.mkdirSync(path);
  fs.writeFileSync(join(path, ".shards"), '{"default":[2],"maxNonShardedLength":3}');
  const storage = await openFilesystemStorage({ path, create: true, dirShards: [] });
  await storage.put("xe12", utf8Encode("1"));
  expect(filesBelow(path)).toEqual([".shards", "xe/12.f"]);
});

test("explicit shards are used and stored", async () => {
  const storage = await openFilesystemStorage({ path, create: true, dirShards: [] });
  await storage.put(PACK, utf8Encode("1"));
  expect(filesBelow(path)).toEqual([".shards", `${PACK}.f`]);
  const again = await openFilesystemStorage({ path });
  expect(await again.get(PACK)).toHaveLength(1);
});

test("a damaged .shards stops single blobs, and what is repaired is read again", async () => {
  fs.mkdirSync(path);
  fs.writeFileSync(join(path, ".shards"), "{");
  const storage = await openFilesystemStorage({ path });
  expect(await codeOf(storage.get("xe1"))).toBe("STORAGE_BAD_SHARDS");
  expect(await codeOf(storage.put("xe1", new Uint8Array()))).toBe("STORAGE_BAD_SHARDS");
  expect(() => storage.openWriter("xe1")).toThrow("the file .shards cannot be used");
  expect(await idsOf(storage)).toEqual([]);
  fs.writeFileSync(join(path, ".shards"), "{}");
  expect(await codeOf(storage.get("xe1"))).toBe("BLOB_NOT_FOUND");
});

test("modes of files and directories are those asked for", async () => {
  const options = { path, create: true, fileMode: 0o640, dirMode: 0o750 };
  const storage = await openFilesystemStorage(options);
  await storage.put(PACK, utf8Encode("1"));
  const modeOf = (name: string): number => fs.statSync(join(path, name)).mode & 0o777;
  const umask = process.platform === "win32" ? 0 : 0o022;
  expect(modeOf("p") | umask).toBe(0o750 | umask);
  expect(modeOf(".shards") | umask).toBe(0o640 | umask);
  expect(modeOf(filesBelow(path)[1] as string) | umask).toBe(0o640 | umask);
});

test.skipIf(!isRoot)("new blobs get the configured owner (needs root)", async () => {
  const storage = await openFilesystemStorage({ path, create: true, uid: 1234, gid: 2345 });
  await storage.put("xe1", utf8Encode("1"));
  expect(fs.statSync(join(path, "xe1.f"))).toMatchObject({ uid: 1234, gid: 2345 });
});

test("a put uses a temporary file beside the blob and removes it when it fails", async () => {
  const random = seededRandom(1);
  const storage = await openFilesystemStorage({ path, create: true, random });
  await storage.put(PACK, utf8Encode("1"));
  const directory = join(path, "p", "010");
  const writer = storage.openWriter(PACK);
  writer.append(seededBytes(1, 300_000));
  const during = fs.readdirSync(directory);
  expect(during).toHaveLength(2);
  expect(during.toSorted()[1]).toMatch(/\.f\.tmp\.[0-9a-f]{16}$/);
  expect(await idsOf(storage)).toEqual([PACK]);
  await writer.abort();
  expect(fs.readdirSync(directory)).toHaveLength(1);

  // A directory in the way of the rename.
  const blocked = `${PACK}0`;
  fs.mkdirSync(join(directory, `${blocked.slice(4)}.f`, "x"), { recursive: true });
  expect(await codeOf(storage.put(blocked, utf8Encode("1")))).toBe("STORAGE_UNAVAILABLE");
  expect(fs.readdirSync(directory).filter((name) => name.includes(".tmp."))).toEqual([]);
});

test("listing reports what ends in .f, wherever it lies, and nothing else", async () => {
  const storage = await openFilesystemStorage({ path, create: true });
  await storage.put(PACK, utf8Encode("1"));
  fs.writeFileSync(join(path, "p", "misplaced.f"), "1");
  fs.writeFileSync(join(path, "p", "010", "x.f.tmp.0011223344556677"), "1");
  fs.writeFileSync(join(path, "README"), "1");
  fs.mkdirSync(join(base, "elsewhere"));
  fs.writeFileSync(join(base, "elsewhere", "linked.f"), "1");
  fs.symlinkSync(join(base, "elsewhere"), join(path, "link"));
  expect(await idsOf(storage)).toEqual([PACK, "pmisplaced"]);
  expect(await idsOf(storage, "pm")).toEqual(["pmisplaced"]);
});

test("a directory that cannot be read makes the listing fail, never shorter", async () => {
  const storage = await openFilesystemStorage({ path, create: true });
  for (const id of [PACK, `q${PACK.slice(1)}`]) await storage.put(id, utf8Encode("1"));
  const listing = storage.list("")[Symbol.asyncIterator]();
  await listing.next();
  // `q` was seen as a directory already.
  fs.rmSync(join(path, "q"), { recursive: true });
  expect(await codeOf(listing.next())).toBe("STORAGE_UNAVAILABLE");
});

test("a root that vanished, was replaced or unmounted is never taken for an empty storage", async () => {
  const storage = await openFilesystemStorage({ path, create: true });
  await storage.put("xe1", utf8Encode("1"));
  fs.renameSync(path, `${path}-away`);
  for (const replace of [() => {}, () => fs.mkdirSync(path)]) {
    replace();
    expect(await codeOf(storage.get("xe1"))).toBe("STORAGE_UNAVAILABLE");
    expect(await codeOf(storage.getMetadata("xe1"))).toBe("STORAGE_UNAVAILABLE");
    expect(await codeOf(storage.delete("xe1"))).toBe("STORAGE_UNAVAILABLE");
    expect(await codeOf(collectAsync(storage.list("")))).toBe("STORAGE_UNAVAILABLE");
    expect(await codeOf(storage.put(PACK, utf8Encode("1")))).toBe("STORAGE_UNAVAILABLE");
    expect(fs.existsSync(join(path, "p"))).toBe(false);
  }
  fs.rmdirSync(path);
  fs.renameSync(`${path}-away`, path);
  expect(await storage.get("xe1")).toHaveLength(1);
});

test("opening what is not there, or is no directory, says so", async () => {
  await expect(openFilesystemStorage({ path })).rejects.toThrow(`${path} does not exist`);
  fs.writeFileSync(path, "");
  await expect(openFilesystemStorage({ path })).rejects.toThrow(`${path} is not a directory`);
  expect(await codeOf(openFilesystemStorage({ path }))).toBe("STORAGE_UNAVAILABLE");
  expect(await codeOf(openFilesystemStorage({ path, create: true }))).toBe("STORAGE_UNAVAILABLE");
});

test("options that cannot be used are refused", async () => {
  for (const options of [
    { fileMode: -1 },
    { dirMode: 0o10000 },
    { fileMode: 1.5 },
    { dirShards: [-1] },
    { dirShards: [1.5] },
    { path: "" },
  ]) {
    expect(await codeOf(openFilesystemStorage({ path, ...options }))).toBe("ARGUMENT_INVALID");
  }
});

test("read-only storage writes nothing, not even .shards", async () => {
  fs.mkdirSync(path);
  const storage = await openFilesystemStorage({ path, readOnly: true });
  expect(storage.readOnly).toBe(true);
  expect(await codeOf(storage.get("xe1"))).toBe("BLOB_NOT_FOUND");
  expect(await codeOf(storage.put("xe1", new Uint8Array(1)))).toBe("STORAGE_READ_ONLY");
  expect(await codeOf(storage.delete("xe1"))).toBe("STORAGE_READ_ONLY");
  expect(() => storage.openWriter("xe1")).toThrow("read-only");
  expect(fs.readdirSync(path)).toEqual([]);
});

test.skipIf(isRoot)(
  "missing permission is STORAGE_PERMISSION (needs another user than root)",
  async () => {
    const storage = await openFilesystemStorage({ path, create: true });
    await storage.put("xe1", utf8Encode("1"));
    fs.chmodSync(join(path, "xe1.f"), 0);
    expect(await codeOf(storage.get("xe1"))).toBe("STORAGE_PERMISSION");
    fs.chmodSync(path, 0o500);
    expect(await codeOf(storage.put("xe2", utf8Encode("1")))).toBe("STORAGE_PERMISSION");
    fs.chmodSync(path, 0o700);
  },
);

test("hostile IDs and lengths reach neither other files nor memory", async () => {
  const storage = await openFilesystemStorage({ path, create: true });
  fs.writeFileSync(join(base, "secret.f"), "secret");
  await storage.put(PACK, utf8Encode("1"));
  for (const id of ["../secret", "..secretsecretsecretsecret", "a/../../secret", ""]) {
    expect(await codeOf(storage.get(id))).not.toBe("no error");
    expect(await codeOf(storage.delete(id))).not.toBe("STORAGE_UNAVAILABLE");
  }
  expect(fs.readFileSync(join(base, "secret.f"), "utf8")).toBe("secret");
  const huge = { offsetBytes: 0, lengthBytes: 2 ** 40 };
  expect(await codeOf(storage.get(PACK, huge))).toBe("STORAGE_RANGE");
  fs.truncateSync(join(path, "p", "010", `${PACK.slice(4)}.f`), 2 ** 33);
  expect(await codeOf(storage.get(PACK))).toBe("LIMIT_EXCEEDED");
  expect(await storage.get(PACK, { offsetBytes: 2 ** 33 - 5, lengthBytes: 5 })).toHaveLength(5);
});

test("capacity and name are for people", async () => {
  const storage = await openFilesystemStorage({ path, create: true });
  expect(storage.displayName).toBe(`Filesystem: ${path}`);
  expect(storage.kind).toBe("filesystem");
  const capacity = await storage.capacity();
  expect(capacity?.sizeBytes).toBeGreaterThan(0);
  expect(capacity?.freeBytes).toBeLessThanOrEqual(capacity?.sizeBytes ?? 0);
});
