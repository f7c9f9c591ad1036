import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8Encode } from "../../src/base/bytes.ts";
import { toUnixSeconds } from "../../src/base/clock.ts";
import { fuzzRuns } from "../../src/testing/fuzz-runs.ts";
import { FaultyStorage } from "../../src/testing/faulty-storage.ts";
import { encryptBlob } from "../../src/content/index-blob/blob-crypto.ts";
import { buildIndex } from "../../src/content/index/build-index.ts";
import { arbitraryEntry } from "./arbitrary-entries.ts";
import {
  HOUR_NS,
  entryOf,
  epochBench,
  flush,
  idsOf,
  sealedAs,
  visibleEntries,
  type EpochBench,
} from "./epochs.ts";

const MARKER = utf8Encode("epoch-marker");

/** Starts an epoch, as maintenance does when the one before is old and full. */
async function startEpoch(bench: EpochBench, epoch: number): Promise<void> {
  bench.clock.advance(25n * HOUR_NS);
  await bench.memory.put(`xe${epoch}`, MARKER);
}

/** Epochs 0 to `last`, two flushes each, the later one deleting a content of the first. */
async function filledEpochs(last: number, options = {}): Promise<EpochBench> {
  const bench = await epochBench(options);
  const { manager } = bench.client();
  for (let epoch = 0; epoch <= last; epoch++) {
    if (epoch > 0) await startEpoch(bench, epoch);
    manager.invalidate();
    await flush(manager, entryOf(10 * epoch), entryOf(10 * epoch + 1));
    const deletion = { deleted: true, timestampSeconds: 2000 };
    await flush(manager, entryOf(10 * epoch + 2), entryOf(10 * epoch + 1, deletion));
  }
  return bench;
}

test("settled epochs are compacted one a call, in order, and nothing changes for readers", async () => {
  const bench = await filledEpochs(3);
  const before = await visibleEntries(bench.client().manager);
  const { maintenance } = bench.client();
  for (const epoch of [0, 1]) {
    const result = await maintenance.compactSingleEpoch();
    expect(result).toMatchObject({ epoch, contentCount: 3 });
    expect(result?.outputs.map((blob) => blob.id)).toEqual([
      expect.stringMatching(new RegExp(`^xs${epoch}_[0-9a-f]{32}-s[0-9a-f]{16}-c1$`)),
    ]);
    expect(await visibleEntries(bench.client().manager)).toEqual(before);
  }
  // Epoch 2 is not settled while 3 is written to.
  expect(await maintenance.compactSingleEpoch()).toBeUndefined();
  const active = await bench.client().manager.listActive();
  expect(active.blobs.length).toBe(2 + 4);
});

test("an epoch without flushes holds back those behind it, as in Kopia", async () => {
  const bench = await epochBench();
  for (let epoch = 1; epoch <= 4; epoch++) await startEpoch(bench, epoch);
  expect(await bench.client().maintenance.compactSingleEpoch()).toBeUndefined();
});

test("a compaction of several shards is invisible until it is complete", async () => {
  const bench = await filledEpochs(2, { maxEntriesPerShard: 2 });
  const before = await visibleEntries(bench.client().manager);
  const result = await bench.client().maintenance.compactSingleEpoch();
  expect(result?.outputs.length).toBe(2);
  expect(result?.outputs.every((blob) => blob.id.endsWith("-c2"))).toBe(true);
  expect(await visibleEntries(bench.client().manager)).toEqual(before);
  await bench.memory.delete(result?.outputs[0]?.id ?? "");
  const active = await bench.client().manager.listActive();
  expect(active.blobs.every((blob) => blob.id.startsWith("xn"))).toBe(true);
  expect(await visibleEntries(bench.client().manager)).toEqual(before);
});

test("eight settled epochs become a range, which serves from then on", async () => {
  const bench = await filledEpochs(8);
  const before = await visibleEntries(bench.client().manager);
  const { maintenance } = bench.client();
  expect(await maintenance.compactRange()).toBeUndefined();
  await startEpoch(bench, 9);
  for (let i = 0; i < 3; i++) await maintenance.compactSingleEpoch();
  const result = await bench.client().maintenance.compactRange();
  expect(result?.outputs.map((blob) => blob.id)).toEqual([
    expect.stringMatching(/^xr0_7_[0-9a-f]{32}-s[0-9a-f]{16}-c1$/),
  ]);
  expect(result?.inputs.filter((blob) => blob.id.startsWith("xs")).length).toBe(3);
  expect(await visibleEntries(bench.client().manager)).toEqual(before);
  expect(await bench.client().maintenance.compactRange()).toBeUndefined();
  expect((await bench.client().manager.listActive()).blobs.length).toBe(1 + 2);
});

test("an index that cannot be read stops a compaction before anything is written", async () => {
  const bench = await filledEpochs(2);
  const [first] = await idsOf(bench.memory, "xn0_");
  const whole = await bench.memory.get(first as string);
  await bench.memory.put(
    first as string,
    whole.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
  );
  await expect(bench.client().maintenance.compactSingleEpoch()).rejects.toMatchObject({
    code: "INDEX_CORRUPT",
    details: { blobId: first },
  });
  expect(await idsOf(bench.memory, "xs")).toEqual([]);
});

test("a flush that comes late makes the compaction void", async () => {
  const bench = await filledEpochs(2);
  let inserted = false;
  const storage = new Proxy(bench.memory, {
    get(target, name) {
      if (name === "put") {
        return async (id: string, data: Uint8Array) => {
          const metadata = await target.put(id, data);
          if (!inserted) {
            inserted = true;
            const late = encryptBlob(
              bench.crypto,
              { prefix: "xn0_", suffix: "s9-c1" },
              buildIndex([entryOf(999)], { version: 2 }),
            );
            await target.put(late.id, late.data);
          }
          return metadata;
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  await expect(bench.client(storage).maintenance.compactSingleEpoch()).rejects.toMatchObject({
    code: "EPOCH_EXPIRED",
  });
  expect(await idsOf(bench.memory, "xs")).toEqual([]);
  expect((await visibleEntries(bench.client().manager)).map((entry) => entry.contentId)).toContain(
    entryOf(999).contentId,
  );
  expect(await bench.client().maintenance.compactSingleEpoch()).toMatchObject({ contentCount: 4 });
});

test.each([1, 2, 3])(
  "a compaction that fails at its put or read back %i leaves nothing",
  async (nth) => {
    const bench = await filledEpochs(2, { maxEntriesPerShard: 2 });
    const before = await idsOf(bench.memory);
    const faults = [{ kind: "fail", operations: ["put", "get"], idPrefix: "xs0_", nth } as const];
    const { maintenance } = bench.client(new FaultyStorage(bench.memory, faults));
    await expect(maintenance.compactSingleEpoch()).rejects.toMatchObject({
      code: "STORAGE_UNAVAILABLE",
    });
    expect(await idsOf(bench.memory)).toEqual(before);
  },
);

test("killed at any operation, a full cycle loses nothing that readers see", async () => {
  const before = await visibleEntries((await filledEpochs(9)).client().manager);
  for (let nth = 1; ; nth += 3) {
    const bench = await filledEpochs(9);
    const faulty = new FaultyStorage(bench.memory, [{ kind: "kill", nth }]);
    const { maintenance } = bench.client(faulty);
    const cycle = async (): Promise<void> => {
      for (let i = 0; i < 4; i++) await maintenance.compactSingleEpoch();
      bench.clock.advance(5n * HOUR_NS);
      await flush(bench.client().manager, entryOf(1000));
      await maintenance.compactRange();
      await maintenance.cleanupMarkers();
      await maintenance.cleanupSuperseded();
    };
    await cycle().catch(() => undefined);
    const after = await visibleEntries(bench.client().manager);
    const rest = after.filter((entry) => entry.contentId !== entryOf(1000).contentId);
    expect(rest).toEqual(before);
    if (!faulty.killed) break;
  }
});

test("superseded index blobs go four hours of the storage's clock after their compaction", async () => {
  const bench = await filledEpochs(3);
  const before = await visibleEntries(bench.client().manager);
  const { maintenance } = bench.client();
  await maintenance.compactSingleEpoch();
  const clean = async (): Promise<number> =>
    (await bench.client().maintenance.cleanupSuperseded()).deleted.length;
  expect(await clean()).toBe(0);
  bench.clock.advance(4n * HOUR_NS);
  await flush(bench.client().manager, entryOf(500));
  expect(await clean()).toBe(0);
  bench.clock.advance(1n);
  await flush(bench.client().manager, entryOf(501));
  expect(await clean()).toBe(2);
  expect(await idsOf(bench.memory, "xn0_")).toEqual([]);
  const after = await visibleEntries(bench.client().manager);
  expect(after.filter((entry) => entry.packOffset === 32).length).toBe(before.length + 2);
});

test("a superseded index blob whose entries its compaction lacks is kept and reported", async () => {
  const bench = await filledEpochs(3);
  await bench.client().maintenance.compactSingleEpoch();
  const lost = encryptBlob(
    bench.crypto,
    { prefix: "xn0_", suffix: "s9-c1" },
    buildIndex([entryOf(999)], { version: 2 }),
  );
  await bench.memory.put(lost.id, lost.data);
  bench.clock.advance(5n * HOUR_NS);
  await flush(bench.client().manager, entryOf(500));
  const result = await bench.client().maintenance.cleanupSuperseded();
  expect(result.kept).toEqual([lost.id]);
  expect(result.deleted.length).toBe(2);
  expect(await idsOf(bench.memory, "xn0_")).toEqual([lost.id]);
});

test("markers: old epochs and passed watermarks go, the current ones stay", async () => {
  const bench = await filledEpochs(4);
  const { maintenance } = bench.client();
  const now = toUnixSeconds(bench.clock.now());
  for (const seconds of [now - 300, now - 200, now - 100]) {
    expect(await maintenance.advanceWatermark(seconds)).toBe(true);
  }
  expect(await maintenance.cleanupMarkers()).toEqual(["xe1", "xe2"]);
  bench.clock.advance(5n * HOUR_NS);
  await flush(bench.client().manager, entryOf(500));
  expect(await bench.client().maintenance.cleanupMarkers()).toEqual([
    `xw${now - 300}`,
    `xw${now - 200}`,
  ]);
  expect(await idsOf(bench.memory, "xe")).toEqual(["xe3", "xe4"]);
  expect(await idsOf(bench.memory, "xw")).toEqual([`xw${now - 100}`]);
});

test("without any flush in sight nothing is old", async () => {
  const bench = await epochBench();
  for (let epoch = 1; epoch <= 5; epoch++) await startEpoch(bench, epoch);
  const { maintenance } = bench.client();
  expect(await maintenance.cleanupMarkers()).toEqual([]);
  expect(await maintenance.cleanupSuperseded()).toEqual({ deleted: [], kept: [] });
});

test("the watermark hides what was deleted before it, and moves only forward and into the past", async () => {
  const bench = await filledEpochs(0);
  const client = bench.client();
  const ids = async (): Promise<number> => (await visibleEntries(client.manager)).length;
  expect(await ids()).toBe(3);
  expect(await client.maintenance.advanceWatermark(1999)).toBe(true);
  expect(await ids()).toBe(3);
  expect(await client.maintenance.advanceWatermark(2000)).toBe(true);
  expect(await ids()).toBe(2);
  expect(await client.maintenance.advanceWatermark(1500)).toBe(false);
  for (const seconds of [-1, 1.5, toUnixSeconds(bench.clock.now()) + 1]) {
    await expect(client.maintenance.advanceWatermark(seconds)).rejects.toMatchObject({
      code: "ARGUMENT_INVALID",
    });
  }
  expect(await bench.memory.get("xw2000")).toEqual(utf8Encode("deletion-watermark"));
});

test("whatever the entries, compactions change nothing for readers", async () => {
  const lists = fc.array(
    fc.array(arbitraryEntry({ version: 2, distinctIds: 12, timestamps: 4 }), {
      minLength: 1,
      maxLength: 6,
    }),
    { minLength: 1, maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(lists, async (flushes) => {
      const bench = await epochBench({ fullCheckpointFrequency: 2 });
      const { manager, maintenance } = bench.client();
      for (const [i, entries] of flushes.entries()) {
        if (i % 2 === 1) await startEpoch(bench, (i + 1) / 2);
        manager.invalidate();
        await flush(manager, ...entries);
      }
      const before = await visibleEntries(manager);
      await maintenance.compactSingleEpoch();
      await maintenance.compactRange();
      await maintenance.compactSingleEpoch();
      expect(await visibleEntries(bench.client().manager)).toEqual(before);
    }),
    { numRuns: fuzzRuns(40) },
  );
});

test("a compaction that reads back as another one is removed again", async () => {
  const bench = await filledEpochs(2);
  const ids = await idsOf(bench.memory);
  const put = bench.memory.put.bind(bench.memory);
  bench.memory.put = (id, _data, options) => put(id, sealedAs(bench.crypto, id), options);
  await expect(bench.client().maintenance.compactSingleEpoch()).rejects.toMatchObject({
    code: "INDEX_CORRUPT",
    message: expect.stringContaining("does not read back as written"),
  });
  expect(await idsOf(bench.memory)).toEqual(ids);
});

test("lost epochs are reported, the first ten of them; names that are no range are passed over", async () => {
  const bench = await filledEpochs(1);
  await bench.memory.put("xe30", MARKER);
  await bench.memory.put("xr_nothing", MARKER);
  await bench.memory.put("xs_nothing", MARKER);
  await bench.memory.put("xn_nothing", MARKER);
  await bench.memory.put("xw_nothing", MARKER);
  const { maintenance, manager } = bench.client();
  expect(await maintenance.missingEpochs()).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(await visibleEntries(manager)).toHaveLength(6);
  await bench.memory.put("xe4", MARKER);
  await bench.memory.delete("xe30");
  expect(await bench.client().maintenance.missingEpochs()).toEqual([2]);
});

test("settled epochs without any index blob make no range", async () => {
  const bench = await epochBench();
  await bench.memory.put("xe30", MARKER);
  const { maintenance } = bench.client();
  expect(await maintenance.planRange()).toBeUndefined();
  expect(await maintenance.planSingleEpoch()).toBeUndefined();
  expect(await maintenance.missingEpochs()).toEqual([]);
});
