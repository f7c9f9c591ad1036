import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { utf8Encode } from "../../src/base/bytes.ts";
import { NS_PER_SECOND } from "../../src/base/clock.ts";
import { KopiaError } from "../../src/base/errors.ts";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import type { ContentEntry } from "../../src/content/content-entry.ts";
import { encryptBlob } from "../../src/content/index-blob/blob-crypto.ts";
import { createV0IndexMaintenance } from "../../src/content/index-blob/index-blob-manager.ts";
import { planV0Compaction } from "../../src/content/index-blob/v0/compaction-plan.ts";
import { V0IndexMaintenance } from "../../src/content/index-blob/v0/v0-index-maintenance.ts";
import { V0IndexBlobManager } from "../../src/content/index-blob/v0/v0-index-blob-manager.ts";
import { createEncryptor } from "../../src/encryption/registry.ts";
import { createHashFunction } from "../../src/hashing/registry.ts";
import { createFilesystemRepository } from "../../src/repository/filesystem-repository.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { seededRandom } from "../../src/testing/seeded.ts";
import { testFormat } from "../contents/contents.ts";
import { entryOf, flush, idsOf, sealedAs, visibleEntries } from "./epochs.ts";

async function bench() {
  const clock = new FakeClock();
  const storage = new MemoryStorage({ clock });
  const { secret, masterKey, hash, encryption } = testFormat().content;
  const crypto = {
    hash: await createHashFunction(hash, secret),
    encryptor: createEncryptor(encryption, masterKey),
  };
  const manager = new V0IndexBlobManager(storage, crypto);
  const options = {
    storage,
    crypto,
    clock,
    random: seededRandom(7),
    indexVersion: 1,
    maxPackSizeBytes: 20 * 2 ** 20,
  };
  return {
    clock,
    storage,
    crypto,
    manager,
    options,
    maintenance: new V0IndexMaintenance(options),
  };
}

/** Index version 1 does not store these (spec 1 §7.2). */
const entries = (count: number): ContentEntry[] =>
  Array.from({ length: count }, (_, i) => entryOf(i, { formatVersion: 1, originalLength: 100 }));

test("compaction changes nothing that is visible; what it superseded goes an hour later, its log another hour later", async () => {
  const { clock, storage, manager, maintenance } = await bench();
  for (const entry of entries(10)) await flush(manager, entry);
  const before = await visibleEntries(manager);
  const result = await maintenance.compact({ maxSmallBlobs: 8 });
  expect(result?.inputs.length).toBe(10);
  expect(await visibleEntries(manager)).toEqual(before);
  expect((await manager.listActive()).blobs.length).toBe(1);
  expect((await idsOf(storage, "n")).length).toBe(11);
  expect((await idsOf(storage, "m")).length).toBe(1);
  for (const [hours, counts] of [
    [1, { n: 3, m: 2, l: 1 }],
    [1, { n: 3, m: 2, l: 1 }],
  ] as const) {
    clock.advance(BigInt(hours) * 3600n * NS_PER_SECOND + NS_PER_SECOND);
    await flush(manager, entryOf(100 + hours));
    await maintenance.compact({ maxSmallBlobs: 1 });
    expect((await idsOf(storage, "n")).length).toBeLessThanOrEqual(counts.n + 1);
    expect((await idsOf(storage, "m")).length).toBeLessThanOrEqual(counts.m);
    expect((await visibleEntries(manager)).length).toBe(11);
  }
});

test("without safety what is superseded goes at once", async () => {
  const { storage, manager, maintenance } = await bench();
  for (const entry of entries(3)) await flush(manager, entry);
  await maintenance.compact({ maxSmallBlobs: 1, safety: "none" });
  expect((await idsOf(storage)).map((id) => id[0])).toEqual(["n"]);
  expect((await visibleEntries(manager)).length).toBe(3);
  expect(await maintenance.compact({ maxSmallBlobs: 1, safety: "none" })).toBeUndefined();
});

test("a compaction that slept until others may have dropped what it writes takes it back", async () => {
  const { clock, storage, manager, maintenance } = await bench();
  for (const entry of entries(3)) await flush(manager, entry);
  const ids = await idsOf(storage);
  const put = storage.put.bind(storage);
  const putIds: string[] = [];
  storage.put = async (id, data, options) => {
    putIds.push(id);
    clock.advance(7n * 3600n * NS_PER_SECOND);
    return put(id, data, options);
  };
  await expect(maintenance.compact({ maxSmallBlobs: 1 })).rejects.toMatchObject({
    code: "EPOCH_EXPIRED",
  });
  expect(putIds).toHaveLength(1);
  expect(await idsOf(storage)).toEqual(ids);
  storage.put = put;
  await maintenance.compact({ maxSmallBlobs: 1 });
  expect((await visibleEntries(manager)).length).toBe(3);
});

test("a compaction that slept before it wrote writes nothing", async () => {
  const { clock, storage, manager, maintenance } = await bench();
  for (const entry of entries(3)) await flush(manager, entry);
  const ids = await idsOf(storage);
  const get = storage.get.bind(storage);
  storage.get = async (id, range) => {
    clock.advance(7n * 3600n * NS_PER_SECOND);
    return get(id, range);
  };
  storage.put = () => Promise.reject(new Error("nothing is to be written"));
  await expect(maintenance.compact({ maxSmallBlobs: 1 })).rejects.toMatchObject({
    code: "EPOCH_EXPIRED",
  });
  expect(await idsOf(storage)).toEqual(ids);
});

test("what does not read back as written is removed again", async () => {
  const { storage, manager, maintenance } = await bench();
  for (const entry of entries(3)) await flush(manager, entry);
  const ids = await idsOf(storage);
  const put = storage.put.bind(storage);
  storage.put = async (id, data, options) => put(id, data.slice(1), options);
  await expect(maintenance.compact({ maxSmallBlobs: 1 })).rejects.toThrow();
  expect(await idsOf(storage)).toEqual(ids);
});

test("dropping comes after merging: an older entry does not come back", async () => {
  const { manager, maintenance } = await bench();
  await flush(manager, entryOf(1), entryOf(2));
  await flush(manager, entryOf(1, { deleted: true, timestampSeconds: 2000 }));
  await maintenance.compact({ maxSmallBlobs: 1, dropDeletedBeforeSeconds: 2000 });
  expect((await visibleEntries(manager)).length).toBe(2);
  await maintenance.compact({ maxSmallBlobs: 1, dropDeletedBeforeSeconds: 2001 });
  expect((await visibleEntries(manager)).map(({ contentId }) => contentId)).toEqual([
    entryOf(2).contentId,
  ]);
  const dropContents = new Set([entryOf(2).contentId]);
  await maintenance.compact({ maxSmallBlobs: 1, dropContents, safety: "none" });
  expect(await visibleEntries(manager)).toEqual([]);
});

test("an index blob that reads back as another one is removed again", async () => {
  const { storage, crypto, manager, maintenance } = await bench();
  for (const entry of entries(3)) await flush(manager, entry);
  const ids = await idsOf(storage);
  const put = storage.put.bind(storage);
  storage.put = (id, _data, options) => put(id, sealedAs(crypto, id), options);
  await expect(maintenance.compact({ maxSmallBlobs: 1 })).rejects.toMatchObject({
    code: "INDEX_CORRUPT",
    message: expect.stringContaining("does not read back"),
  });
  expect(await idsOf(storage)).toEqual(ids);
});

test("an index too large for one blob is compacted into several", async () => {
  const { storage, manager, options } = await bench();
  for (const entry of entries(10)) await flush(manager, entry);
  const before = await visibleEntries(manager);
  const maintenance = new V0IndexMaintenance({ ...options, maxEntriesPerShard: 4 });
  const result = await maintenance.compact({ maxSmallBlobs: 1, allIndexes: true, safety: "none" });
  expect(result?.outputs.length).toBeGreaterThan(1);
  expect(await idsOf(storage)).toEqual(result?.outputs.map(({ id }) => id).sort());
  expect(await visibleEntries(manager)).toEqual(before);
});

test("inputs of compactions stay while outputs are missing; logs that vanish are passed over", async () => {
  const { clock, storage, manager, maintenance } = await bench();
  for (const entry of entries(3)) await flush(manager, entry);
  const first = await maintenance.compact({ maxSmallBlobs: 1 });
  clock.advance(NS_PER_SECOND);
  for (let i = 20; i < 22; i++) await flush(manager, entryOf(i));
  const second = await maintenance.compact({ maxSmallBlobs: 1 });
  expect(second?.inputs).toHaveLength(3);
  for (const { id } of second?.outputs ?? []) await storage.delete(id);
  expect(await visibleEntries(manager)).toHaveLength(5);
  clock.advance(2n * 3600n * NS_PER_SECOND);
  for (let i = 30; i < 32; i++) await flush(manager, entryOf(i));
  await maintenance.compact({ maxSmallBlobs: 1 });
  expect(await visibleEntries(manager)).toHaveLength(7);
  for (const { id } of first?.inputs ?? []) {
    await expect(storage.get(id)).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
  }
  const get = storage.get.bind(storage);
  storage.get = async (id, range) => {
    if (id.startsWith("m")) await storage.delete(id);
    return get(id, range);
  };
  await flush(manager, entryOf(40));
  await maintenance.compact({ maxSmallBlobs: 1 });
  storage.get = get;
  expect(await visibleEntries(manager)).toHaveLength(8);
});

test("what only a compaction without its outputs has replaced stays, however old", async () => {
  const { clock, storage, manager, maintenance, options } = await bench();
  await flush(manager, ...entries(60));
  await flush(manager, entryOf(60));
  const large = (await maintenance.compact({ maxSmallBlobs: 1, safety: "none" }))?.outputs[0];
  await flush(manager, entryOf(61));
  const lost = await maintenance.compact({ maxSmallBlobs: 1, allIndexes: true });
  expect(lost?.inputs.map(({ id }) => id)).toContain(large?.id);
  for (const { id } of lost?.outputs ?? []) await storage.delete(id);
  clock.advance(2n * 3600n * NS_PER_SECOND);
  await flush(manager, entryOf(62));
  const ofSmallOnes = new V0IndexMaintenance({ ...options, maxPackSizeBytes: 1000 });
  const small = await ofSmallOnes.compact({ maxSmallBlobs: 1 });
  expect(small?.inputs).toHaveLength(2);
  expect(await idsOf(storage, "n")).toContain(large?.id);
  expect(await visibleEntries(manager)).toHaveLength(63);
});

test("a log that vanishes, or cannot be read, between listing and reading", async () => {
  const { storage, manager, maintenance } = await bench();
  for (const entry of entries(3)) await flush(manager, entry);
  await maintenance.compact({ maxSmallBlobs: 1 });
  const before = await visibleEntries(manager);
  const get = storage.get.bind(storage);
  const fail = (code: "BLOB_NOT_FOUND" | "STORAGE_UNAVAILABLE") => {
    storage.get = (id, range) =>
      id.startsWith("m") ? Promise.reject(new KopiaError(code, id)) : get(id, range);
  };
  fail("BLOB_NOT_FOUND");
  expect(await visibleEntries(manager)).toEqual(before);
  fail("STORAGE_UNAVAILABLE");
  const offline = { code: "STORAGE_UNAVAILABLE" };
  await expect(manager.listActive()).rejects.toMatchObject(offline);
  await expect(maintenance.compact({ maxSmallBlobs: 1 })).rejects.toMatchObject(offline);
});

test("a cleanup log names what it schedules; only compaction logs are removed by it", async () => {
  const { clock, storage, crypto, manager, maintenance } = await bench();
  for (const entry of entries(2)) await flush(manager, entry);
  const [kept] = await idsOf(storage, "n");
  const put = async (text: string): Promise<void> => {
    const { id, data } = encryptBlob(crypto, { prefix: "l" }, utf8Encode(text));
    await storage.put(id, data);
  };
  await put(`{"blobIDs":["${kept}"]}`);
  clock.advance(2n * 3600n * NS_PER_SECOND);
  await maintenance.compact({ maxSmallBlobs: 1 });
  expect(await idsOf(storage, "l")).toEqual([]);
  expect(await idsOf(storage, "n")).toContain(kept);
  expect(await visibleEntries(manager)).toHaveLength(2);
});

test("repositories with epochs have no upkeep of the older scheme", async () => {
  const { options } = await bench();
  const format = testFormat();
  const { crypto, ...others } = options;
  expect(createV0IndexMaintenance({ ...others, ...crypto, format })).toBeUndefined();
});

test("which index blobs are taken in", () => {
  const blobs = (...lengths: number[]) =>
    lengths.map((lengthBytes, i) => ({ id: `n${i}`, lengthBytes, timestamp: 0n }));
  const plan = (maxSmallBlobs: number, lengths: number[], allIndexes = false): number[] =>
    planV0Compaction(blobs(...lengths), { maxPackSizeBytes: 200, maxSmallBlobs, allIndexes }).map(
      ({ lengthBytes }) => lengthBytes,
    );
  expect(plan(4, [1, 2, 3])).toEqual([]);
  expect(plan(4, [1, 2, 3, 500])).toEqual([]);
  expect(plan(4, [1, 2, 3, 500], true)).toEqual([1, 2, 3]);
  expect(plan(4, [1, 2, 3, 9, 10])).toEqual([1, 2, 3, 9]);
  expect(plan(4, [1, 20, 30, 40])).toEqual([1, 20, 30, 40]);
});

test.skipIf(!process.env["KOPIA_EXE"])(
  "the real program sees the same contents after our compaction (needs KOPIA_EXE)",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "v0-"));
    try {
      const path = join(directory, "repo");
      await using repository = await createFilesystemRepository({
        path,
        password: "p",
        format: { version: 1 },
      });
      for (let round = 0; round < 4; round++) {
        await using session = await repository.writeSession();
        session.objects.writeObject(new Uint8Array(1000).fill(round), {});
        await session.flush();
      }
      const kopia = (...args: string[]): string =>
        execFileSync(process.env["KOPIA_EXE"] ?? "", [`--config-file=${directory}/c`, ...args], {
          env: {
            HOME: directory,
            KOPIA_PASSWORD: "p",
            KOPIA_CACHE_DIRECTORY: join(directory, "cache"),
            KOPIA_CHECK_FOR_UPDATES: "false",
          },
          encoding: "utf8",
          stdio: ["ignore", "pipe", "pipe"],
        });
      kopia("repository", "connect", "filesystem", `--path=${path}`);
      const before: unknown = JSON.parse(kopia("content", "list", "--json", "--deleted"));
      const { format, storage, clock, random } = repository;
      const { hash, secret, encryption, masterKey } = format.content;
      const maintenance = createV0IndexMaintenance({
        storage,
        format,
        clock,
        random,
        hash: await createHashFunction(hash, secret),
        encryptor: createEncryptor(encryption, masterKey),
      });
      expect((await maintenance?.compact({ maxSmallBlobs: 1 }))?.inputs.length).toBe(4);
      kopia("cache", "clear");
      expect(JSON.parse(kopia("content", "list", "--json", "--deleted"))).toEqual(before);
      expect(JSON.parse(kopia("index", "list", "--json"))).toHaveLength(1);
      kopia("index", "optimize", "--all", "--dangerous-commands=enabled");
      await repository.refresh();
      expect([...repository.contents.contents()].length).toBe((before as unknown[]).length);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
