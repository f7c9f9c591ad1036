import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toHex } from "../base/bytes.ts";
import { changePassword } from "../format/change-format.ts";
import { connectRepository, openConnection } from "./connect.ts";
import { filesystemStorageConfig } from "./connection-codec.ts";
import { readConnection, removeConnection } from "./connection-file.ts";
import { createFilesystemRepository, openFilesystemRepository } from "./filesystem-repository.ts";
import { openStorage, openStorageForCreate } from "./open-storage.ts";
import { persistedPasswordPath, writePersistedPassword } from "./persisted-password.ts";

const password = "pässword";
let directory: string;
let repositoryPath: string;
let configPath: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "connect-"));
  repositoryPath = join(directory, "repository");
  configPath = join(directory, "config", "repository.config");
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** A repository with one manifest; gives its unique ID. */
async function makeRepository(path = repositoryPath): Promise<string> {
  await using repository = await createFilesystemRepository({ path, password });
  await using session = await repository.writeSession();
  await session.manifests.put({ type: "t" }, JSON.stringify({ path }));
  await session.flush();
  return toHex(repository.format.uniqueId);
}

function connect(options: Partial<Parameters<typeof connectRepository>[0]> = {}) {
  return connectRepository({
    configPath,
    storage: filesystemStorageConfig({ path: repositoryPath, fileMode: 0o600, dirMode: 0o700 }),
    password,
    env: { HOME: directory },
    ...options,
  });
}

test("a new repository has the layout of new repositories", async () => {
  await makeRepository();
  expect(readFileSync(join(repositoryPath, ".shards"), "utf8")).toBe(
    '{"default":[1,3],"maxNonShardedLength":20}\n',
  );
  expect(readdirSync(repositoryPath).sort()).toEqual([
    ".shards",
    "kopia.blobcfg.f",
    "kopia.repository.f",
    "q",
    "s",
    "x",
  ]);
});

test("flat and format 1 layouts", async () => {
  const flat = join(directory, "flat");
  await (
    await createFilesystemRepository({ path: { path: flat, dirShards: [] }, password })
  ).close();
  expect(readFileSync(join(flat, ".shards"), "utf8")).toContain('"default":[]');
  const old = join(directory, "old");
  await (await createFilesystemRepository({ path: old, password, format: { version: 1 } })).close();
  expect(readFileSync(join(old, ".shards"), "utf8")).toContain('"default":[3,3]');
});

test("a connection is opened with the stored password and the client it names", async () => {
  await makeRepository();
  const connection = await connect({ client: { username: "me", hostname: "there" } });
  expect(connection.client.description).toBe(`Repository in Filesystem: ${repositoryPath}`);
  await using repository = await openConnection(configPath);
  expect(repository.client).toMatchObject({ username: "me", hostname: "there", readOnly: false });
  expect(await repository.manifests.find({ type: "t" })).toHaveLength(1);
  expect(existsSync(persistedPasswordPath(configPath))).toBe(true);
});

test("a connection is only written once storage and password have been proven", async () => {
  await expect(connect()).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  await makeRepository();
  await expect(connect({ password: "wrong" })).rejects.toMatchObject({ code: "INVALID_PASSWORD" });
  expect(existsSync(configPath)).toBe(false);
  await connect();
  const before = readFileSync(configPath, "utf8");
  const other = filesystemStorageConfig({ path: join(directory, "none") });
  await expect(connect({ storage: other })).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  expect(readFileSync(configPath, "utf8")).toBe(before);
});

test("without a stored password one must be given", async () => {
  await makeRepository();
  await writePersistedPassword(configPath, "left over");
  await connect({ persistPassword: false });
  await expect(openConnection(configPath)).rejects.toMatchObject({ code: "INVALID_PASSWORD" });
  await (await openConnection(configPath, { password })).close();
});

test("a read-only connection writes nothing, not even the layout", async () => {
  await makeRepository();
  rmSync(join(repositoryPath, ".shards"));
  const path = join(directory, "flat");
  await (await createFilesystemRepository({ path: { path, dirShards: [] }, password })).close();
  await connect({
    storage: filesystemStorageConfig({ path }),
    client: { readOnly: true },
  });
  const files = readdirSync(path);
  await using repository = await openConnection(configPath);
  await expect(repository.writeSession()).rejects.toMatchObject({ code: "STORAGE_READ_ONLY" });
  await expect(repository.storage.put("x", new Uint8Array(1))).rejects.toMatchObject({
    code: "STORAGE_READ_ONLY",
  });
  expect(readdirSync(path)).toEqual(files);
});

test("what is there instead of a repository is said", async () => {
  mkdirSync(repositoryPath);
  const message = async (): Promise<string> => {
    const error = await openFilesystemRepository({ path: repositoryPath, password }).then(
      () => "",
      (failure: unknown) => failure,
    );
    expect(error).toMatchObject({ code: "REPOSITORY_NOT_FOUND" });
    return String(error);
  };
  expect(await message()).toContain("the directory is empty");
  writeFileSync(join(repositoryPath, "notes.txt"), "");
  expect(await message()).toContain("notes.txt");
  // Looking leaves nothing behind.
  expect(readdirSync(repositoryPath)).toEqual(["notes.txt"]);
  await makeRepository(join(repositoryPath, "below"));
  expect(await message()).toContain(join(repositoryPath, "below"));
});

test("repositories are never made over, inside or around each other", async () => {
  const storage = (path: string) => filesystemStorageConfig({ path });
  await makeRepository();
  await expect(openStorageForCreate(storage(repositoryPath))).rejects.toMatchObject({
    code: "REPOSITORY_EXISTS",
  });
  const nested = { code: "REPOSITORY_NESTED", details: { repositoryPath } };
  const inside = join(repositoryPath, "in", "side");
  await expect(openStorageForCreate(storage(inside))).rejects.toMatchObject(nested);
  expect(existsSync(join(repositoryPath, "in"))).toBe(false);
  await expect(openStorageForCreate(storage(directory))).rejects.toMatchObject(nested);
  await expect(openStorageForCreate(storage("relative"))).rejects.toMatchObject({
    code: "ARGUMENT_INVALID",
  });
  await expect(openStorage({ type: "s3", config: {} })).rejects.toMatchObject({
    code: "STORAGE_UNSUPPORTED",
  });
});

test("files of others are tolerated when no blob is among them", async () => {
  mkdirSync(join(repositoryPath, "lost+found"), { recursive: true });
  writeFileSync(join(repositoryPath, "README"), "");
  await makeRepository();
  const other = join(directory, "other");
  mkdirSync(other);
  writeFileSync(join(other, "program.f"), "");
  await expect(createFilesystemRepository({ path: other, password })).rejects.toMatchObject({
    code: "REPOSITORY_FOREIGN_DATA",
  });
});

test("the cache of another repository is never used", async () => {
  const KOPIA_CACHE_DIRECTORY = join(directory, "cache");
  const env = { HOME: directory, KOPIA_CACHE_DIRECTORY };
  const owner = join(KOPIA_CACHE_DIRECTORY, "blob-cache-v1.repository");
  const read = async (): Promise<string> => {
    await using repository = await openConnection(configPath, { env });
    const [entry] = await repository.manifests.find({ type: "t" });
    return await repository.manifests.getPayload(entry?.id ?? "");
  };
  const first = await makeRepository();
  await connect({ env });
  expect((await readConnection(configPath)).caching.cacheDirectory).toBe(KOPIA_CACHE_DIRECTORY);
  expect(await read()).toContain(repositoryPath);
  expect(readFileSync(owner, "utf8")).toBe(first);
  expect(existsSync(join(KOPIA_CACHE_DIRECTORY, "CACHEDIR.TAG"))).toBe(true);
  const cached = join(KOPIA_CACHE_DIRECTORY, "blob-cache-v1");
  writeFileSync(join(cached, "left-over"), "");

  // Same place, same password, same cache: another repository.
  rmSync(repositoryPath, { recursive: true });
  const second = await makeRepository();
  expect(second).not.toBe(first);
  await connect({ env });
  expect(await read()).toContain(repositoryPath);
  expect(readFileSync(owner, "utf8")).toBe(second);
  expect(existsSync(join(cached, "left-over"))).toBe(false);
  expect(await read()).toContain(repositoryPath);
  expect(await removeConnection(configPath)).toBe(KOPIA_CACHE_DIRECTORY);
});

test("a cache size of 0 means no cache, with and without the variable", async () => {
  await makeRepository();
  const env = { HOME: directory, KOPIA_CACHE_DIRECTORY: join(directory, "cache") };
  await connect({ env, caching: { maxCacheSize: 0 } });
  expect((await readConnection(configPath)).caching).toEqual({});
  await (await openConnection(configPath, { env })).close();
  expect(existsSync(join(directory, "cache"))).toBe(false);
});

test("a cache directory that cannot be used is done without", async () => {
  await makeRepository();
  writeFileSync(join(directory, "file"), "");
  const cacheDirectory = join(directory, "file", "cache");
  await connect({ caching: { cacheDirectory } });
  await using repository = await openConnection(configPath);
  expect(await repository.manifests.find({ type: "t" })).toHaveLength(1);
});

test("limits of the client slow the storage down", async () => {
  await makeRepository();
  await connect({ client: { throttlingLimits: { maxDownloadSpeedBytesPerSecond: 1e9 } } });
  await using repository = await openConnection(configPath);
  expect(repository.storage.constructor.name).toBe("ThrottledStorage");
  expect(await repository.manifests.find({ type: "t" })).toHaveLength(1);
});

test("a repository server cannot be opened yet, and that is said", async () => {
  mkdirSync(join(directory, "config"));
  writeFileSync(configPath, '{"apiServer":{"url":"https://x"},"hostname":"h","username":"u"}');
  await expect(openConnection(configPath, { password })).rejects.toMatchObject({
    code: "NOT_IMPLEMENTED",
  });
});

describe("the stored key", () => {
  const key = (): string => `${configPath}.engine-format-key`;
  const share = (): string => join(directory, "cache", "engine-format-key");
  const caching = (): object => ({
    cacheDirectory: join(directory, "cache"),
    maxCacheSize: 1e6,
    maxMetadataCacheSize: 1e6,
  });
  const openFails = (given: string): Promise<unknown> =>
    openConnection(configPath, { password: given }).then(
      () => undefined,
      (error: unknown) => error,
    );

  beforeEach(async () => {
    await makeRepository();
    await connect({ caching: caching() });
  });

  test("is in two shares that only their owner can read, and neither is the key", async () => {
    await using repository = await openConnection(configPath);
    const shares = [key(), share()].map((path) => readFileSync(path));
    for (const path of [key(), share()]) expect(statSync(path).mode & 0o777).toBe(0o600);
    const { formatKey } = repository.format;
    for (const bytes of shares) expect(new Uint8Array(bytes)).not.toEqual(formatKey);
    const [a, b] = shares as [Buffer, Buffer];
    expect(new Uint8Array(a.map((byte, i) => byte ^ b[i]!))).toEqual(formatKey);
  });

  test("opens for nobody who does not give the stored password", async () => {
    expect(await openFails("wrong")).toMatchObject({ code: "INVALID_PASSWORD" });
    rmSync(persistedPasswordPath(configPath));
    expect(await openFails("wrong")).toMatchObject({ code: "INVALID_PASSWORD" });
    expect(await openFails(password)).toBeUndefined();
  });

  test("is made anew when it was damaged, or the password was changed by another client", async () => {
    const before = readFileSync(key());
    writeFileSync(share(), new Uint8Array(32));
    await (await openConnection(configPath)).close();
    expect(readFileSync(key())).not.toEqual(before);
    const storage = await openStorage(
      filesystemStorageConfig({ path: repositoryPath, fileMode: 0o600, dirMode: 0o700 }),
    );
    await changePassword(storage, { password, newPassword: "other" });
    await storage.close();
    expect(await openFails(password)).toMatchObject({ code: "INVALID_PASSWORD" });
    expect(await openFails("other")).toBeUndefined();
    await writePersistedPassword(configPath, "other");
    await (await openConnection(configPath)).close();
    await (await openConnection(configPath)).close();
  });

  test("spares the derivation when the connection is made anew with the stored password", async () => {
    // That another password stands there shows that none is derived from: the key alone opens the format.
    await writePersistedPassword(configPath, "stands in");
    await connect({ caching: caching(), password: "stands in" });
    await expect(connect({ caching: caching(), password: "other" })).rejects.toMatchObject({
      code: "INVALID_PASSWORD",
    });
    rmSync(share());
    await expect(connect({ caching: caching(), password: "stands in" })).rejects.toMatchObject({
      code: "INVALID_PASSWORD",
    });
    await connect({ caching: caching() });
    expect(await openFails(password)).toBeUndefined();
  });

  test("is not stored without the password, and forgotten with it", async () => {
    await connect({ caching: caching(), persistPassword: false });
    expect([existsSync(key()), existsSync(share())]).toEqual([false, false]);
    await (await openConnection(configPath, { password })).close();
    expect([existsSync(key()), existsSync(share())]).toEqual([false, false]);
    await connect({ caching: caching() });
    expect([existsSync(key()), existsSync(share())]).toEqual([true, true]);
    await removeConnection(configPath);
    expect([existsSync(key()), existsSync(share())]).toEqual([false, false]);
  });
});
