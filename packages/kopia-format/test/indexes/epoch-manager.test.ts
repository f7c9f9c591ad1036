import { expect, test } from "vitest";
import { utf8Encode } from "../../src/base/bytes.ts";
import type { BlobStorage } from "../../src/blob/storage.ts";
import { FaultyStorage } from "../../src/testing/faulty-storage.ts";
import { buildIndex } from "../../src/content/index/build-index.ts";
import { HOUR_NS, MINUTE_NS, entryOf, epochBench, flush, idsOf, visibleEntries } from "./epochs.ts";

const MARKER = utf8Encode("epoch-marker");

test("a new repository is at epoch 0 and has no index blobs", async () => {
  const { epochs } = (await epochBench()).client();
  const state = await epochs.currentState();
  expect(state).toMatchObject({ writeEpoch: 0, watermarkSeconds: 0, rangeChain: [] });
  expect(await epochs.activeIndexBlobs()).toEqual({ blobs: [], watermarkSeconds: 0 });
});

test("what one client flushes another sees", async () => {
  const bench = await epochBench();
  const [a, b] = [bench.client(), bench.client()];
  const blob = await flush(a.manager, entryOf(1), entryOf(2));
  expect(blob.id).toMatch(/^xn0_[0-9a-f]{32}-s[0-9a-f]{16}144-c1$/);
  expect(await visibleEntries(b.manager)).toEqual([entryOf(1), entryOf(2)]);
});

test("several shards of one flush share the session and say how many they are", async () => {
  const bench = await epochBench();
  const { manager } = bench.client();
  const shards = [1, 2, 3].map((number) => buildIndex([entryOf(number)], { version: 2 }));
  const blobs = await manager.writeFlush(shards, "s0011223344556677144");
  expect(blobs.map((blob) => blob.id.slice(-23))).toEqual(
    Array.from({ length: 3 }, () => "s0011223344556677144-c3"),
  );
  expect((await visibleEntries(manager)).length).toBe(3);
});

test("the state serves until it expires, and is read again then", async () => {
  const bench = await epochBench();
  const storage = new FaultyStorage(bench.memory);
  const { epochs } = bench.client(storage);
  await epochs.activeIndexBlobs();
  const lookedUp = storage.log.length;
  bench.clock.advance(20n * MINUTE_NS - 1n);
  await epochs.activeIndexBlobs();
  expect(storage.log.length).toBe(lookedUp);
  bench.clock.advance(1n);
  await epochs.activeIndexBlobs();
  expect(storage.log.length).toBe(2 * lookedUp);
  epochs.invalidate();
  await Promise.all([epochs.activeIndexBlobs(), epochs.activeIndexBlobs()]);
  expect(storage.log.length).toBe(3 * lookedUp);
});

test("a writer looks again when less than three quarters are left, and writes into the new epoch", async () => {
  const bench = await epochBench();
  const { manager, epochs } = bench.client();
  await epochs.currentState();
  await bench.memory.put("xe1", MARKER);
  bench.clock.advance(5n * MINUTE_NS);
  // 15 of 20 minutes are left: still good enough, and one epoch behind is allowed.
  expect((await flush(manager, entryOf(1))).id).toMatch(/^xn0_/);
  epochs.invalidate();
  await epochs.currentState();
  await bench.memory.put("xe2", MARKER);
  bench.clock.advance(5n * MINUTE_NS + 1n);
  expect((await flush(manager, entryOf(2))).id).toMatch(/^xn2_/);
  expect(await visibleEntries(bench.client().manager)).toEqual([entryOf(1), entryOf(2)]);
});

test("a write that took longer than two epochs is taken back and fails", async () => {
  const bench = await epochBench();
  const { manager, epochs } = bench.client();
  await epochs.currentState();
  await bench.memory.put("xe2", MARKER);
  await expect(flush(manager, entryOf(1))).rejects.toMatchObject({ code: "EPOCH_EXPIRED" });
  expect(await idsOf(bench.memory)).toEqual(["xe2"]);
});

/** Storage in which each put takes some time. */
function slowPuts(storage: BlobStorage, duringPut: (id: string) => Promise<void>): BlobStorage {
  return new Proxy(storage, {
    get(target, name) {
      if (name === "put") {
        return async (id: string, data: Uint8Array) => {
          await duringPut(id);
          return target.put(id, data);
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

test("shards whose epoch passed while others were written are written again in the new one", async () => {
  const bench = await epochBench();
  let puts = 0;
  const storage = slowPuts(bench.memory, async () => {
    puts++;
    if (puts !== 1) return;
    bench.clock.advance(21n * MINUTE_NS);
    await bench.memory.put("xe1", MARKER);
  });
  const { manager } = bench.client(storage);
  const shards = [1, 2].map((number) => buildIndex([entryOf(number)], { version: 2 }));
  const blobs = await manager.writeFlush(shards, "s0011223344556677144");
  expect(blobs.map((blob) => blob.id.slice(0, 4))).toEqual(["xn1_", "xn1_"]);
  expect((await idsOf(bench.memory, "xn")).length).toBe(2);
});

test("shards already written stay when the epoch is still the same", async () => {
  const bench = await epochBench();
  let puts = 0;
  const storage = slowPuts(bench.memory, () => {
    puts++;
    if (puts === 1) bench.clock.advance(21n * MINUTE_NS);
    return Promise.resolve();
  });
  const { manager } = bench.client(storage);
  const shards = [1, 2].map((number) => buildIndex([entryOf(number)], { version: 2 }));
  await manager.writeFlush(shards, "s0011223344556677144");
  expect(puts).toBe(2);
});

test("a failed put ends the flush; what is there already does no harm", async () => {
  const bench = await epochBench();
  const storage = new FaultyStorage(bench.memory, [{ kind: "fail", operations: ["put"], nth: 2 }]);
  const { manager } = bench.client(storage);
  const shards = [1, 2].map((number) => buildIndex([entryOf(number)], { version: 2 }));
  await expect(manager.writeFlush(shards, "s1")).rejects.toMatchObject({
    code: "STORAGE_UNAVAILABLE",
  });
  expect(await visibleEntries(bench.client().manager)).toEqual([entryOf(1)]);
});

test("storage that is slower than the state stays valid is given up", async () => {
  const bench = await epochBench();
  const storage = new Proxy(bench.memory, {
    get(target, name) {
      if (name === "list") {
        return (prefix: string) => {
          bench.clock.advance(HOUR_NS);
          return target.list(prefix);
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  const { epochs } = bench.client(storage);
  await expect(epochs.activeIndexBlobs()).rejects.toMatchObject({ code: "EPOCH_EXPIRED" });
  expect(bench.clock.sleepsMs.slice(0, 3)).toEqual([100, 150, 225]);
});

test("old epochs without a compaction are found, the next one is included, foreign names are not", async () => {
  const bench = await epochBench();
  const { manager } = bench.client();
  const wanted: string[] = [];
  for (let epoch = 0; epoch < 5; epoch++) {
    await bench.memory.put(`xe${epoch}`, MARKER);
    manager.invalidate();
    wanted.push((await flush(manager, entryOf(epoch))).id);
  }
  const next = `xn5_${"0".repeat(32)}-s1-c1`;
  for (const id of [next, `xn6_${"0".repeat(32)}`, "xn_0", "xn00_1", "xe", "xw", "xz"]) {
    await bench.memory.put(id, MARKER);
  }
  manager.invalidate();
  const { blobs } = await manager.listActive();
  expect(blobs.map((blob) => blob.id).sort()).toEqual([...wanted, next].sort());
});

test("an absurd epoch number neither hangs nor loses anything", async () => {
  const bench = await epochBench();
  const { manager } = bench.client();
  await flush(manager, entryOf(1));
  await bench.memory.put("xe9007199254740991", MARKER);
  manager.invalidate();
  expect(await visibleEntries(manager)).toEqual([entryOf(1)]);
});

test("a lost refresh is reported and does not poison the next one", async () => {
  const bench = await epochBench();
  const storage = new FaultyStorage(bench.memory, [{ kind: "fail", operations: ["list"] }]);
  const { epochs } = bench.client(storage);
  await expect(epochs.activeIndexBlobs()).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  expect((await epochs.activeIndexBlobs()).blobs).toEqual([]);
});

test("an epoch is advanced when it is old and full enough, by what was seen last", async () => {
  const bench = await epochBench();
  const { manager, epochs } = bench.client();
  expect(await epochs.advanceIfDue()).toBeUndefined();
  for (let i = 0; i < 19; i++) await flush(manager, entryOf(i));
  bench.clock.advance(25n * HOUR_NS);
  expect(await epochs.advanceIfDue()).toBeUndefined();
  await flush(manager, entryOf(19));
  expect(await epochs.advanceIfDue()).toBe(1);
  expect(await idsOf(bench.memory, "xe")).toEqual(["xe1"]);
  expect(await bench.memory.get("xe1")).toEqual(MARKER);
  expect(await epochs.advanceIfDue()).toBeUndefined();
  expect((await epochs.currentState()).writeEpoch).toBe(1);
});

test("full but young is not advanced; a large one needs fewer blobs", async () => {
  const bench = await epochBench({ epochAdvanceOnTotalSizeBytesThreshold: 250 });
  const { manager, epochs } = bench.client();
  for (let i = 0; i < 25; i++) await flush(manager, entryOf(i));
  expect(await epochs.advanceIfDue()).toBeUndefined();
  const other = await epochBench({ epochAdvanceOnTotalSizeBytesThreshold: 250 });
  const large = other.client();
  await flush(large.manager, entryOf(1));
  other.clock.advance(24n * HOUR_NS);
  await flush(large.manager, entryOf(2));
  expect(await large.epochs.advanceIfDue()).toBe(1);
});
