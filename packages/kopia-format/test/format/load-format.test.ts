import { expect, test } from "vitest";
import { testFormat } from "../contents/contents.ts";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import type { BlobStorage } from "../../src/blob/storage.ts";
import { toHex, utf8Decode, utf8Encode } from "../../src/base/bytes.ts";
import { changeFormat, changePassword } from "../../src/format/change-format.ts";
import {
  checkFormat,
  loadRepositoryFormat,
  reloadRepositoryFormat,
} from "../../src/format/load-format.ts";
import { openFormatBlobs, readFormatBlobs } from "../../src/format/format-blobs.ts";
import { initializeRepository } from "../../src/format/initialize.ts";
import type { ContentFormat, RepositoryFormat } from "../../src/format/repository-format.ts";
import { writeFormatBlobs } from "../../src/format/write-format.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { FaultyStorage } from "../../src/testing/faulty-storage.ts";
import { seededRandom } from "../../src/testing/seeded.ts";

const password = "päss wörd ";
const FORMAT = "kopia.repository";
const CONFIG = "kopia.blobcfg";

/** One repository that all tests copy: deriving its key takes a quarter of a second. */
const template = createTemplate();

async function createTemplate(): Promise<{ storage: MemoryStorage; format: RepositoryFormat }> {
  const storage = new MemoryStorage();
  const format = await initializeRepository(storage, password, { random: seededRandom(7) });
  return { storage, format };
}

async function newRepository(): Promise<MemoryStorage> {
  const { storage } = await template;
  const copy = new MemoryStorage();
  for (const id of [CONFIG, FORMAT]) await copy.put(id, await storage.get(id));
  return copy;
}

/** Rewrites the encrypted part with some values changed, as another client might. */
async function rewriteContent(storage: BlobStorage, change: Partial<ContentFormat>): Promise<void> {
  const { formatKey } = (await template).format;
  const opened = openFormatBlobs(await readFormatBlobs(storage), formatKey);
  await writeFormatBlobs(storage, seededRandom(9), {
    ...opened,
    formatKey,
    content: { ...opened.format.content, ...change },
    blobRetention: opened.format.blobRetention,
  });
}

async function edit(
  storage: BlobStorage,
  id: string,
  change: (text: string) => string,
): Promise<void> {
  const text = String.fromCharCode(...(await storage.get(id)));
  await storage.put(
    id,
    Uint8Array.from(change(text), (c) => c.charCodeAt(0)),
  );
}

/** How loading ends; without a key derivation unless a password is given. */
async function outcome(storage: BlobStorage, secret?: string): Promise<string> {
  const { format } = await template;
  const loading =
    secret === undefined
      ? reloadRepositoryFormat(storage, format)
      : loadRepositoryFormat(storage, secret);
  return loading.then(
    () => "loaded",
    (error: unknown) => (error as { code: string }).code,
  );
}

test("a new repository has Kopia's defaults and opens with its password only", async () => {
  const storage = await newRepository();
  const format = await loadRepositoryFormat(storage, password);
  expect(format.content).toMatchObject({
    hash: "BLAKE2B-256-128",
    encryption: "AES256-GCM-HMAC-SHA256",
    ecc: "",
    version: 3,
    indexVersion: 2,
    maxPackSizeBytes: 20 * 2 ** 20,
    enablePasswordChange: true,
    splitter: "DYNAMIC-4M-BUZHASH",
  });
  const { content } = format;
  const keys = [format.uniqueId, content.secret, content.masterKey].map((key) => toHex(key));
  expect(keys.map((key) => key.length)).toEqual([64, 64, 64]);
  expect(new Set(keys).size).toBe(3);
  expect(format.formatBlob).toEqual(await storage.get(FORMAT));
  expect((await storage.get(CONFIG)).length).toBe(30);
  for (const wrong of ["päss wörd", ""]) {
    expect(await outcome(storage, wrong)).toBe("INVALID_PASSWORD");
  }
});

test("options are stored, the format version decides the rest", async () => {
  const storage = new MemoryStorage();
  await initializeRepository(storage, password, {
    formatVersion: 1,
    hash: "HMAC-SHA256",
    encryption: "CHACHA20-POLY1305-HMAC-SHA256",
    splitter: "FIXED-1M",
    keyAlgorithm: "pbkdf2-sha256-600000",
    maxPackSizeBytes: 30 * 2 ** 20,
    ecc: "REED-SOLOMON-CRC32",
    eccOverheadPercent: 5,
  });
  const format = await loadRepositoryFormat(storage, password);
  expect(format.keyAlgorithm).toBe("pbkdf2-sha256-600000");
  expect(format.content).toMatchObject({
    version: 1,
    indexVersion: 1,
    enablePasswordChange: false,
    hash: "HMAC-SHA256",
    encryption: "CHACHA20-POLY1305-HMAC-SHA256",
    splitter: "FIXED-1M",
    maxPackSizeBytes: 30 * 2 ** 20,
    ecc: "",
    eccOverheadPercent: 0,
  });
});

test.each([
  [{ hash: "MD5" }, "ALGORITHM_UNKNOWN"],
  [{ encryption: "NONE" }, "ALGORITHM_UNKNOWN"],
  [{ splitter: "RANDOM" }, "ALGORITHM_UNKNOWN"],
  [{ keyAlgorithm: "none" }, "ALGORITHM_UNKNOWN"],
  [{ ecc: "PARITY", eccOverheadPercent: 5 }, "ALGORITHM_UNKNOWN"],
  [{ formatVersion: 4 }, "FORMAT_INVALID_PARAMETER"],
  [{ maxPackSizeBytes: 1 }, "FORMAT_INVALID_PARAMETER"],
  [{ blobRetention: { retentionMode: "GOVERNANCE" } }, "FORMAT_INVALID_PARAMETER"],
])("creation refuses %j and writes nothing", async (options, code) => {
  const storage = new MemoryStorage();
  await expect(initializeRepository(storage, password, options)).rejects.toMatchObject({ code });
  expect(await blobIdsOf(storage)).toEqual([]);
});

test("creation never replaces a repository, nor one that lost its format blob", async () => {
  const storage = await newRepository();
  const before = await storage.get(FORMAT);
  await expect(initializeRepository(storage, "other")).rejects.toMatchObject({
    code: "REPOSITORY_EXISTS",
  });
  expect(await storage.get(FORMAT)).toEqual(before);
  await storage.delete(FORMAT);
  await expect(initializeRepository(storage, "other")).rejects.toMatchObject({
    code: "FORMAT_CORRUPT",
  });
  expect(await blobIdsOf(storage)).toEqual([CONFIG]);
});

test("the settings blob is written before the format blob", async () => {
  const inner = new MemoryStorage();
  const storage = new FaultyStorage(inner, [{ kind: "kill", operations: ["put"], nth: 2 }]);
  await expect(initializeRepository(storage, password)).rejects.toThrow();
  expect(await blobIdsOf(inner)).toEqual([CONFIG]);
});

test("a missing repository is told from one that lost its format blob", async () => {
  const storage = new MemoryStorage();
  await expect(loadRepositoryFormat(storage, password)).rejects.toMatchObject({
    code: "REPOSITORY_NOT_FOUND",
    message: "Memory holds no repository: there is no kopia.repository",
  });
  await storage.put("q0102030405060708090a0b0c0d0e0f10-s0011223344556677144", utf8Encode("x"));
  await expect(loadRepositoryFormat(storage, password)).rejects.toMatchObject({
    code: "REPOSITORY_NOT_FOUND",
    message: expect.stringContaining("format blob of the repository is lost") as string,
  });
});

test("damage is told from a wrong password by the other blob", async () => {
  const storage = await newRepository();
  const format = await storage.get(FORMAT);
  const config = await storage.get(CONFIG);
  await storage.put(FORMAT, new Uint8Array(0));
  expect(await outcome(storage)).toBe("FORMAT_CORRUPT");
  await storage.put(FORMAT, format.subarray(0, format.length / 2));
  expect(await outcome(storage)).toBe("FORMAT_CORRUPT");
  await storage.put(FORMAT, format);
  await edit(storage, FORMAT, (text) =>
    text.replace(
      /(encryptedBlockFormat": ".{40})./,
      (_, head: string) => `${head}${text.includes(`${head}A`) ? "B" : "A"}`,
    ),
  );
  expect(await outcome(storage)).toBe("FORMAT_CORRUPT");
  expect(await outcome(storage, "wrong")).toBe("INVALID_PASSWORD");
  await storage.put(FORMAT, format);
  for (const bad of [config.map((byte) => byte ^ 1), new Uint8Array(0), config.subarray(1)]) {
    await storage.put(CONFIG, bad);
    expect(await outcome(storage)).toBe("FORMAT_CORRUPT");
  }
  await storage.delete(CONFIG);
  expect(await outcome(storage)).toBe("loaded");
});

test("no message or detail of a refusal holds a secret", async () => {
  const storage = await newRepository();
  await edit(storage, FORMAT, (text) => text.slice(0, -40));
  const error: unknown = await loadRepositoryFormat(storage, password).catch(
    (cause: unknown) => cause,
  );
  const { message, details } = error as { message: string; details: unknown };
  const stored = utf8Decode(await storage.get(FORMAT)).split(
    'encryptedBlockFormat": "',
  )[1] as string;
  expect(message + JSON.stringify(details)).not.toContain(stored.slice(0, 20));
  expect(message + JSON.stringify(details)).not.toContain(password);
});

test.each<[Partial<ContentFormat>, string]>([
  [{ version: 0 }, "FORMAT_UNSUPPORTED"],
  [{ version: 4 }, "FORMAT_UNSUPPORTED"],
  [{ indexVersion: 3 }, "FORMAT_UNSUPPORTED"],
  [{ hash: "FUTURE" }, "ALGORITHM_UNKNOWN"],
  [{ encryption: "SALSA20" }, "ALGORITHM_UNKNOWN"],
  [{ ecc: "FUTURE", eccOverheadPercent: 1 }, "ALGORITHM_UNKNOWN"],
  [{ ecc: "FUTURE" }, "loaded"],
  [
    { requiredFeatures: [{ feature: "x", ifNotUnderstood: { warn: false } }] },
    "FORMAT_UNSUPPORTED",
  ],
  [{ requiredFeatures: [{ feature: "x", ifNotUnderstood: { warn: true } }] }, "loaded"],
])("a format that says %j: %s", (change, expected) => {
  const check = (): void => checkFormat(testFormat(change), {});
  if (expected === "loaded") expect(check).not.toThrow();
  else expect(check).toThrow(expect.objectContaining({ code: expected }));
});

test("an upgrade lock stops everyone but its owner, at opening and when looking again", async () => {
  const storage = await newRepository();
  const clock = new FakeClock();
  const open = (await template).format;
  await rewriteContent(storage, {
    upgradeLock: {
      ownerId: "upgrader",
      creationTime: "2024-01-02T03:04:05Z",
      advanceNoticeDurationNs: 0,
      ioDrainTimeoutNs: 900e9,
      statusPollIntervalNs: 60e9,
      message: "upgrading",
      maxPermittedClockDriftNs: 300e9,
    },
  });
  const upgrading = { code: "REPOSITORY_UPGRADING" };
  await expect(loadRepositoryFormat(storage, password, { clock })).rejects.toMatchObject(upgrading);
  await expect(reloadRepositoryFormat(storage, open, { clock })).rejects.toMatchObject(upgrading);
  const mine = await reloadRepositoryFormat(storage, open, { clock, upgradeOwnerId: "upgrader" });
  expect(mine.content.upgradeLock?.ownerId).toBe("upgrader");
});

test("changing the password keeps every key; open clients notice", async () => {
  const storage = await newRepository();
  const before = (await template).format;
  await changePassword(storage, { password, newPassword: "new" }, seededRandom(3));
  expect(await outcome(storage, password)).toBe("INVALID_PASSWORD");
  const after = await loadRepositoryFormat(storage, "new");
  expect(after.content).toEqual(before.content);
  expect(after.uniqueId).toEqual(before.uniqueId);
  expect(after.formatKey).not.toEqual(before.formatKey);
  await expect(reloadRepositoryFormat(storage, before)).rejects.toMatchObject({
    code: "INVALID_PASSWORD",
  });
});

test.each([
  ["delete", 1],
  ["put", 1],
  ["put", 2],
] as const)(
  "a password change killed at %s %i leaves a repository that exactly one password opens",
  async (operation, nth) => {
    const inner = await newRepository();
    const storage = new FaultyStorage(inner, [{ kind: "kill", operations: [operation], nth }]);
    await expect(changePassword(storage, { password, newPassword: "new" })).rejects.toThrow();
    const outcomes = [await outcome(inner, password), await outcome(inner, "new")];
    expect(outcomes.filter((text) => text === "loaded")).toHaveLength(1);
  },
);

test("with retention settings one that stops half way is explained, and neither password is called wrong", async () => {
  const inner = new MemoryStorage();
  const blobRetention = { retentionMode: "COMPLIANCE", retentionPeriodNs: 25 * 3600e9 };
  await initializeRepository(inner, password, { blobRetention });
  const storage = new FaultyStorage(inner, [{ kind: "kill", operations: ["put"], nth: 2 }]);
  await expect(changePassword(storage, { password, newPassword: "new" })).rejects.toThrow();
  for (const secret of [password, "new"]) {
    await expect(loadRepositoryFormat(inner, secret)).rejects.toMatchObject({
      code: "FORMAT_CORRUPT",
      message: expect.stringContaining("a password change was interrupted") as string,
    });
  }
});

test("the password of a version 1 repository cannot be changed", async () => {
  const storage = new MemoryStorage();
  await initializeRepository(storage, password, { formatVersion: 1 });
  await expect(changePassword(storage, { password, newPassword: "new" })).rejects.toMatchObject({
    code: "FORMAT_INVALID_PARAMETER",
  });
  expect(await outcome(storage, password)).toBe("loaded");
});

test("parameters change without touching the rest, fields from the future included", async () => {
  const storage = await newRepository();
  const { formatKey } = (await template).format;
  const opened = openFormatBlobs(await readFormatBlobs(storage), formatKey);
  await writeFormatBlobs(storage, seededRandom(9), {
    ...opened,
    document: { ...opened.document, source: { later: 1 } },
    formatKey,
    content: opened.format.content,
    contentSource: { format: { future: [true] }, also: "kept" },
    blobRetention: {},
  });
  const maxPackSizeBytes = 50 * 2 ** 20;
  await changeFormat(storage, password, { maxPackSizeBytes }, seededRandom(10));
  const changed = openFormatBlobs(await readFormatBlobs(storage), formatKey);
  expect(changed.format.content).toEqual({ ...opened.format.content, maxPackSizeBytes });
  expect(changed.contentSource).toMatchObject({ format: { future: [true] }, also: "kept" });
  expect(changed.document.source).toMatchObject({ later: 1 });
  const blobRetention = { retentionMode: "COMPLIANCE", retentionPeriodNs: 25 * 3600e9 };
  await changeFormat(storage, password, { blobRetention });
  const again = openFormatBlobs(await readFormatBlobs(storage), formatKey);
  expect(again.format.blobRetention).toEqual(blobRetention);
  for (const bad of [{ maxPackSizeBytes: 0 }, { indexVersion: 1 }]) {
    await expect(changeFormat(storage, password, bad)).rejects.toMatchObject({
      code: "FORMAT_INVALID_PARAMETER",
    });
  }
});

async function blobIdsOf(storage: BlobStorage): Promise<string[]> {
  const ids: string[] = [];
  for await (const blob of storage.list("")) ids.push(blob.id);
  return ids;
}
