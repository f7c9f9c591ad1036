import {
  chmodSync,
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
import { afterEach, beforeEach, expect, test } from "vitest";
import { filesystemStorageConfig, parseFilesystemConfig } from "./connection-codec.ts";
import {
  isConnected,
  readConnection,
  removeConnection,
  writeConnection,
} from "./connection-file.ts";
import type { Connection } from "./connection.ts";
import {
  persistedPasswordPath,
  readPersistedPassword,
  writePersistedPassword,
} from "./persisted-password.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "connection-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** What `kopia repository connect filesystem --path=/repo` writes (spec 1 §10.1). */
const KOPIA_CONFIG = `{
  "storage": {
    "type": "filesystem",
    "config": {
      "path": "/repo",
      "fileMode": 384,
      "dirMode": 448,
      "dirShards": null
    }
  },
  "caching": {
    "cacheDirectory": "../../.cache/kopia/0123456789abcdef",
    "maxCacheSize": 5242880000,
    "maxMetadataCacheSize": 5242880000,
    "maxListCacheDuration": 30
  },
  "hostname": "myhost",
  "username": "me",
  "description": "Repository in Filesystem: /repo",
  "enableActions": false,
  "formatBlobCacheDuration": 900000000000
}`;

test("a file of the original is read, and written again byte for byte", async () => {
  const configPath = join(directory, ".config", "kopia", "repository.config");
  mkdirSync(join(directory, ".config", "kopia"), { recursive: true });
  writeFileSync(configPath, KOPIA_CONFIG);
  const connection = await readConnection(configPath);
  expect(connection.caching).toEqual({
    cacheDirectory: join(directory, ".cache", "kopia", "0123456789abcdef"),
    maxCacheSize: 5_242_880_000,
    maxMetadataCacheSize: 5_242_880_000,
    maxListCacheDuration: 30,
  });
  expect(connection.client).toEqual({
    hostname: "myhost",
    username: "me",
    readOnly: false,
    description: "Repository in Filesystem: /repo",
    enableActions: false,
    formatBlobCacheDurationNs: 900_000_000_000,
  });
  expect(connection.storage && parseFilesystemConfig(connection.storage)).toEqual({
    path: "/repo",
    fileMode: 0o600,
    dirMode: 0o700,
    dirShards: null,
  });
  await writeConnection(configPath, connection);
  expect(readFileSync(configPath, "utf8")).toBe(KOPIA_CONFIG);
  expect(statSync(configPath).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(directory, ".config", "kopia"))).toEqual(["repository.config"]);
});

const FULL: Connection = {
  storage: filesystemStorageConfig({
    path: "/r",
    fileMode: 0o640,
    dirMode: 0o750,
    uid: 1000,
    gid: 0,
    dirShards: [],
    listParallelism: 4,
    readsPerSecond: 1.5,
    maxUploadSpeedBytesPerSecond: 1e6,
    concurrentWrites: 2,
  }),
  caching: {},
  client: {
    hostname: "h",
    username: "u",
    readOnly: true,
    description: "",
    enableActions: true,
    permissiveCacheLoading: true,
    formatBlobCacheDurationNs: -1,
    throttlingLimits: { listsPerSecond: 3 },
  },
};

test("every field survives", async () => {
  const configPath = join(directory, "deep", "er", "x.config");
  await writeConnection(configPath, FULL);
  expect(await readConnection(configPath)).toEqual(FULL);
  expect(statSync(join(directory, "deep")).mode & 0o777).toBe(0o700);
  const json = JSON.parse(readFileSync(configPath, "utf8")) as Record<string, object>;
  expect(json["caching"]).toEqual({});
  expect(json["storage"]).toEqual({
    type: "filesystem",
    config: {
      path: "/r",
      fileMode: 416,
      dirMode: 488,
      uid: 1000,
      gid: 0,
      dirShards: [],
      listParallelism: 4,
      readsPerSecond: 1.5,
      maxUploadSpeedBytesPerSecond: 1_000_000,
      concurrentWrites: 2,
    },
  });
});

test("storage of other kinds and repository servers are kept as they are", async () => {
  const configPath = join(directory, "x.config");
  writeFileSync(
    configPath,
    '{"storage":{"type":"s3","config":{"bucket":"b","n":12345678901234567890}},"hostname":"h","username":"u"}',
  );
  const connection = await readConnection(configPath);
  await writeConnection(configPath, connection);
  expect(readFileSync(configPath, "utf8")).toContain('"n": 12345678901234567890');
  expect(() => connection.storage && parseFilesystemConfig(connection.storage)).toThrow(
    expect.objectContaining({ code: "STORAGE_UNSUPPORTED" }),
  );
  writeFileSync(configPath, '{"apiServer":{"url":"https://x"},"hostname":"h","username":"u"}');
  expect((await readConnection(configPath)).apiServer).toEqual({ url: "https://x" });
});

test.each([
  "",
  "{",
  "[]",
  "{}",
  '{"storage":null}',
  '{"storage":{"type":1,"config":{}}}',
  '{"storage":{"type":"filesystem"}}',
  '{"storage":{"type":"filesystem","config":{}},"hostname":5}',
  '{"storage":{"type":"filesystem","config":{}},"caching":[]}',
  '{"storage":{"type":"filesystem","config":{}},"caching":{"maxCacheSize":"big"}}',
])("%j is refused by name", async (text) => {
  const configPath = join(directory, "x.config");
  writeFileSync(configPath, text);
  const failed = await readConnection(configPath).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "CONFIG_CORRUPT" });
  expect(String(failed)).toContain(configPath);
});

test("no file means not connected", async () => {
  const configPath = join(directory, "none.config");
  expect(isConnected(configPath)).toBe(false);
  await expect(readConnection(configPath)).rejects.toMatchObject({
    code: "REPOSITORY_NOT_CONNECTED",
    details: { configPath },
  });
  expect(await removeConnection(configPath)).toBeUndefined();
});

test("disconnecting removes what belongs to the connection and nothing else", async () => {
  const configPath = join(directory, "x.config");
  const cacheDirectory = join(directory, "cache");
  mkdirSync(cacheDirectory);
  writeFileSync(join(cacheDirectory, "precious"), "");
  await writeConnection(configPath, { ...FULL, caching: { cacheDirectory, maxCacheSize: 1 } });
  await writePersistedPassword(configPath, "p");
  writeFileSync(`${configPath}.mlock`, "");
  writeFileSync(`${configPath}.update-info.json`, "");
  writeFileSync(join(directory, "other"), "");
  expect(await removeConnection(configPath)).toBeUndefined();
  // Without its tag the directory is not known to be a cache.
  expect(readdirSync(directory).sort()).toEqual(["cache", "other"]);

  await writeConnection(configPath, { ...FULL, caching: { cacheDirectory, maxCacheSize: 1 } });
  writeFileSync(join(cacheDirectory, "CACHEDIR.TAG"), "");
  expect(await removeConnection(configPath)).toBe(cacheDirectory);
  expect(readdirSync(directory)).toEqual(["other"]);
});

test("a connection file that cannot be read can still be removed", async () => {
  const configPath = join(directory, "x.config");
  writeFileSync(configPath, "garbage");
  await removeConnection(configPath);
  expect(existsSync(configPath)).toBe(false);
});

test("a stored password is the base64 of its bytes, readable by its owner only", async () => {
  const configPath = join(directory, "x.config");
  expect(await readPersistedPassword(configPath)).toBeUndefined();
  await writePersistedPassword(configPath, " pässwörd\u{1f511} ");
  const path = persistedPasswordPath(configPath);
  expect(readFileSync(path, "utf8")).toBe(Buffer.from(" pässwörd\u{1f511} ").toString("base64"));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await readPersistedPassword(configPath)).toBe(" pässwörd\u{1f511} ");
  writeFileSync(path, "not base64!");
  await expect(readPersistedPassword(configPath)).rejects.toMatchObject({ code: "CONFIG_CORRUPT" });
});

test.skipIf(process.getuid?.() === 0)(
  "a directory that may not be written is named (root may write everywhere)",
  async () => {
    chmodSync(directory, 0o500);
    await expect(writeConnection(join(directory, "x.config"), FULL)).rejects.toMatchObject({
      code: "STORAGE_PERMISSION",
    });
    chmodSync(directory, 0o700);
  },
);
