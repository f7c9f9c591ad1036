import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NS_PER_SECOND } from "../../src/base/clock.ts";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import type { ContentEntry } from "../../src/content/content-entry.ts";
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
import { entryOf, flush, idsOf, visibleEntries } from "./epochs.ts";

async function bench() {
  const clock = new FakeClock();
  const storage = new MemoryStorage({ clock });
  const { secret, masterKey, hash, encryption } = testFormat().content;
  const crypto = {
    hash: await createHashFunction(hash, secret),
    encryptor: createEncryptor(encryption, masterKey),
  };
  const manager = new V0IndexBlobManager(storage, crypto);
  const maintenance = new V0IndexMaintenance({
    storage,
    crypto,
    clock,
    random: seededRandom(7),
    indexVersion: 1,
    maxPackSizeBytes: 20 * 2 ** 20,
  });
  return { clock, storage, manager, maintenance };
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
