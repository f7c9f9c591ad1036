import { expect, test } from "vitest";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import { compareIndexes } from "../../src/content/index-blob/migration/compare-indexes.ts";
import { migrateToEpochs } from "../../src/content/index-blob/migration/migrate-to-epochs.ts";
import { V0IndexBlobManager } from "../../src/content/index-blob/v0/v0-index-blob-manager.ts";
import { seededRandom } from "../../src/testing/seeded.ts";
import { entryOf, epochBench, flush, idsOf, visibleEntries } from "./epochs.ts";

async function bench() {
  const epochs = await epochBench();
  const { memory, crypto } = epochs;
  const context = { storage: memory, crypto, random: seededRandom(3), indexVersion: 2 };
  const old = new V0IndexBlobManager(memory, crypto);
  return { memory, context, old, client: () => epochs.client() };
}

/** Lets the pack of an entry be there, as long as it must be. */
async function putPack(storage: MemoryStorage, number: number): Promise<void> {
  await storage.put(entryOf(number).packBlobId, new Uint8Array(160));
}

test("a repository without contents has nothing to migrate", async () => {
  const { memory, context, client } = await bench();
  expect(await migrateToEpochs(context)).toBeUndefined();
  expect(await idsOf(memory)).toEqual([]);
  expect(await compareIndexes(context, client().epochs)).toMatchObject({ oldBlobCount: 0 });
});

test("everything is in epoch 0 afterwards, and a comparison finds nothing missing", async () => {
  const { memory, context, old, client } = await bench();
  for (let i = 0; i < 5; i++) await flush(old, entryOf(i), entryOf(i + 1));
  const before = await visibleEntries(old);
  const result = await migrateToEpochs(context);
  expect(result).toMatchObject({ contentCount: 6 });
  expect(await visibleEntries(client().manager)).toEqual(before);
  expect(await compareIndexes(context, client().epochs)).toMatchObject({
    oldBlobCount: 5,
    entryCount: 10,
    missingCount: 0,
    lateBlobs: [],
  });
  expect((await idsOf(memory, "n")).length).toBe(5);
});

test("what was written in the older scheme after the switch is named, the first hundred of it", async () => {
  const { context, old, client } = await bench();
  await flush(old, entryOf(1), entryOf(2), entryOf(3));
  await migrateToEpochs(context);
  const late = Array.from({ length: 150 }, (_, i) => entryOf(1000 + i));
  const newer = entryOf(1, { timestampSeconds: 5000 });
  const older = entryOf(2, { timestampSeconds: 5 });
  const blob = await flush(old, newer, older, ...late);
  const found = await compareIndexes(context, client().epochs);
  expect(found).toMatchObject({ oldBlobCount: 2, entryCount: 155, missingCount: 151 });
  expect(found.missing).toHaveLength(100);
  expect(found.missing[0]).toBe(newer.contentId);
  expect(found.missing).not.toContain(older.contentId);
  expect(found.lateBlobs.map(({ id }) => id)).toEqual([blob.id]);
});

test("of an upgrade that was broken off what can still be read comes along, the rest goes", async () => {
  const { memory, context, old, client } = await bench();
  await flush(old, entryOf(1), entryOf(4));
  const { manager } = client();
  const leftover = [1, 2, 3].map((number) => entryOf(number));
  await putPack(memory, 2);
  const twin = entryOf(5, { packBlobId: entryOf(2).packBlobId, packOffset: 100 });
  const packed = entryOf(6, { packBlobId: entryOf(2).packBlobId });
  const blob = await flush(manager, ...leftover, twin, packed);
  const known = await flush(manager, entryOf(1));
  await migrateToEpochs(context);
  const ids = await idsOf(memory, "x");
  expect(ids).not.toContain(blob.id);
  expect(ids).not.toContain(known.id);
  const numbers = (await visibleEntries(client().manager)).map(({ contentId }) =>
    Number.parseInt(contentId, 16),
  );
  // 3 has no pack any more, and the pack of 5 ends before it does.
  expect(numbers).toEqual([1, 2, 4, 6]);
});

test("leftovers of which nothing can be read go without a trace", async () => {
  const { memory, context, client } = await bench();
  await flush(client().manager, entryOf(1));
  expect(await migrateToEpochs(context)).toBeUndefined();
  expect(await idsOf(memory)).toEqual([]);
});

test("a migration does not guess: storage that fails ends it, epochs in use forbid it", async () => {
  const { memory, context, old, client } = await bench();
  await flush(old, entryOf(1));
  await flush(client().manager, entryOf(2));
  const ids = await idsOf(memory);
  memory.getMetadata = () => Promise.reject(new Error("offline"));
  await expect(migrateToEpochs(context)).rejects.toThrow("offline");
  expect(await idsOf(memory)).toEqual(ids);
  await memory.put("xe1", new Uint8Array(1));
  await expect(migrateToEpochs(context)).rejects.toMatchObject({ code: "UPGRADE_UNSAFE" });
});
