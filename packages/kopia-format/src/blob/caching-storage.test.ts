import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NS_PER_SECOND } from "../base/clock.ts";
import { isKopiaError } from "../base/errors.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { seededBytes } from "../testing/seeded.ts";
import { CachingStorage, type CachingStorageOptions } from "./caching-storage.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { MeteredStorage } from "./metered-storage.ts";

const INDEX = "xn0_f01f2e1e-s0011223344556677144-c1";
const METADATA = "q0102030405060708090a0b0c0d0e0f10-s0011223344556677144";
const DATA = "p0102030405060708090a0b0c0d0e0f10-s0011223344556677144";
const range = { offsetBytes: 100, lengthBytes: 50 };

let directory: string;
let inner: MeteredStorage;
let clock: FakeClock;

beforeEach(async () => {
  directory = fs.mkdtempSync(join(tmpdir(), "kopia-cache-"));
  clock = new FakeClock();
  inner = new MeteredStorage(new MemoryStorage());
  for (const id of [INDEX, METADATA, DATA]) await inner.put(id, seededBytes(1, 5000));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

function openCache(options: Partial<CachingStorageOptions> = {}): CachingStorage {
  return new CachingStorage(inner, {
    directory,
    key: new Uint8Array(16).fill(7),
    maxContentBytes: 2 ** 20,
    maxMetadataBytes: 2 ** 20,
    clock,
    ...options,
  });
}

function entryFiles(): string[] {
  return fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "CACHEDIR.TAG")
    .map((entry) => join(entry.parentPath, entry.name));
}

function reads(): number {
  return inner.metrics.operations.get;
}

test("index blobs are read from storage once, also by the next process", async () => {
  const cache = openCache();
  for (let i = 0; i < 3; i++) expect(await cache.get(INDEX)).toEqual(seededBytes(1, 5000));
  expect(await cache.get(INDEX, range)).toEqual(seededBytes(1, 5000).subarray(100, 150));
  expect(await openCache().get(INDEX)).toEqual(seededBytes(1, 5000));
  expect(reads()).toBe(1);
});

test("a metadata pack is fetched whole when several ranges of it are wanted", async () => {
  const cache = openCache();
  for (let i = 0; i < 3; i++) await cache.get(METADATA, range);
  expect(entryFiles()).toEqual([]);
  for (let i = 0; i < 10; i++) {
    expect(await cache.get(METADATA, range)).toEqual(seededBytes(1, 5000).subarray(100, 150));
  }
  expect(reads()).toBe(4);
  expect(entryFiles()).toHaveLength(1);
});

test("callers that want one blob at once share one read", async () => {
  const cache = openCache();
  const all = await Promise.all(Array.from({ length: 5 }, () => cache.get(INDEX)));
  expect(all).toHaveLength(5);
  expect(new Set(all).size).toBe(5);
  expect(reads()).toBe(1);
});

test("ranges of data packs are kept, each by itself", async () => {
  const cache = openCache();
  for (let i = 0; i < 3; i++) await cache.get(DATA, range);
  await cache.get(DATA, { ...range, lengthBytes: 51 });
  expect(reads()).toBe(2);
  await cache.get(DATA);
  await cache.get(DATA);
  expect(reads()).toBe(4);
});

test("data packs of a filesystem are not copied, unless asked for", async () => {
  Object.defineProperty(inner, "kind", { value: "filesystem" });
  await openCache().get(DATA, range);
  expect(entryFiles()).toEqual([]);
  await openCache({ cacheData: true }).get(DATA, range);
  expect(entryFiles()).toHaveLength(1);
});

test("what may change or be removed by anybody is never cached", async () => {
  const cache = openCache();
  for (const id of ["kopia.repository", "kopia.maintenance", "xe1", "xw12", "s01-s02", "_log_1"]) {
    await inner.put(id, seededBytes(1, 10));
    await cache.get(id);
    await inner.put(id, seededBytes(2, 10));
    expect(await cache.get(id)).toEqual(seededBytes(2, 10));
  }
  expect(entryFiles()).toEqual([]);
});

test("an entry that was changed, cut or exchanged is dropped and read again", async () => {
  const [entry, other] = [INDEX, `${INDEX}0`];
  await inner.put(other, seededBytes(2, 5000));
  for (const damage of [
    (bytes: Buffer) => bytes.fill(1, 10, 11),
    (bytes: Buffer) => bytes.fill(1, bytes.length - 1),
    (bytes: Buffer) => bytes.subarray(0, 100),
    (bytes: Buffer) => bytes.subarray(0, 10),
    () => Buffer.alloc(0),
    () => fs.readFileSync(entryFiles().find((path) => path.endsWith(other)) as string),
  ]) {
    const cache = openCache();
    await cache.get(entry);
    await cache.get(other);
    const path = entryFiles().find((file) => file.endsWith(entry)) as string;
    fs.writeFileSync(path, damage(fs.readFileSync(path)));
    expect(await openCache().get(entry)).toEqual(seededBytes(1, 5000));
    expect(fs.readFileSync(path)).toHaveLength(5032);
  }
});

test("a cache of another repository is not believed", async () => {
  await openCache({ key: new Uint8Array(16).fill(8) }).get(INDEX);
  await openCache().get(INDEX);
  expect(reads()).toBe(2);
});

test("put, commit and delete forget what was cached", async () => {
  const cache = openCache();
  for (const id of [INDEX, DATA]) {
    await cache.get(id, range);
    await cache.put(id, seededBytes(3, 5000));
    expect(await cache.get(id, range)).toEqual(seededBytes(3, 5000).subarray(100, 150));
    const writer = cache.openWriter(id);
    writer.append(seededBytes(4, 5000));
    await writer.commit();
    expect(await cache.get(id, range)).toEqual(seededBytes(4, 5000).subarray(100, 150));
    await cache.delete(id);
    await expect(cache.get(id, range)).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
  }
});

test("the longest unused entries go when the limit is reached", async () => {
  const cache = openCache({ maxMetadataBytes: 60_000 });
  const ids = Array.from({ length: 30 }, (_, index) => `xn${index}_${"0".repeat(20)}`);
  for (const [index, id] of ids.entries()) {
    await inner.put(id, seededBytes(index, 5000));
    await cache.get(id);
    const seconds = 1_700_000_000 + index;
    fs.utimesSync(entryFiles().find((path) => path.endsWith(id)) as string, seconds, seconds);
  }
  const kept = entryFiles();
  const bytes = kept.reduce((sum, path) => sum + fs.statSync(path).size, 0);
  expect(bytes).toBeLessThan(72_000);
  expect(kept.some((path) => path.endsWith(ids.at(-1) as string))).toBe(true);
  expect(kept.some((path) => path.endsWith(ids[0] as string))).toBe(false);
});

test("a hit of a new process marks the entry as used", async () => {
  await openCache().get(INDEX);
  const path = entryFiles()[0] as string;
  fs.utimesSync(path, 1, 1);
  await openCache().get(INDEX);
  expect(fs.statSync(path).mtimeMs).toBe(Number(clock.now() / 1_000_000n));
});

test("temporary files of dead processes are swept", async () => {
  await openCache().get(INDEX);
  const stale = `${entryFiles()[0] as string}.tmp.0011223344556677`;
  fs.writeFileSync(stale, "x");
  clock.set(BigInt(Date.now()) * 1_000_000n + 7200n * NS_PER_SECOND);
  await inner.put(`${INDEX}1`, seededBytes(1, 10));
  await openCache().get(`${INDEX}1`);
  expect(fs.existsSync(stale)).toBe(false);
});

test("too large a blob is not stored, a limit of 0 stores nothing", async () => {
  await openCache({ maxMetadataBytes: 10_000 }).get(INDEX);
  await openCache({ maxMetadataBytes: 0, maxContentBytes: 0 }).get(INDEX);
  expect(entryFiles()).toEqual([]);
});

test("a cache directory that cannot be used is no error", async () => {
  fs.rmSync(directory, { recursive: true });
  fs.writeFileSync(directory, "a file is in the way");
  const cache = openCache();
  for (let i = 0; i < 2; i++) expect(await cache.get(INDEX)).toHaveLength(5000);
});

test("the directory is marked, and Kopia's own names stay free", async () => {
  await openCache().get(INDEX);
  const tag = fs.readFileSync(join(directory, "CACHEDIR.TAG"), "utf8");
  expect(tag.split("\n")[0]).toBe("Signature: 8a477f597d28d172789f06886806bc55");
  expect(fs.readdirSync(directory).toSorted()).toEqual(["CACHEDIR.TAG", "blob-cache-v1"]);
  const mode = fs.statSync(entryFiles()[0] as string).mode & 0o777;
  expect(mode).toBe(0o600);
});

test("ranges and IDs that cannot be are refused as by the storage", async () => {
  const cache = openCache();
  await cache.get(INDEX);
  const beyond = { offsetBytes: 4999, lengthBytes: 2 };
  await expect(cache.get(INDEX, beyond)).rejects.toSatisfy((e) => isKopiaError(e, "STORAGE_RANGE"));
  await expect(cache.get("xn/../../x")).rejects.toSatisfy((e) =>
    isKopiaError(e, "ARGUMENT_INVALID"),
  );
});
