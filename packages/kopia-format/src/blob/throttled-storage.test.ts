import { expect, test } from "vitest";
import { collectAsync } from "../base/collect-async.ts";
import { isKopiaError } from "../base/errors.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { MemoryStorage } from "./memory-storage.ts";
import type { BlobStorage } from "./storage.ts";
import { ThrottledStorage, type ThrottlingLimits } from "./throttled-storage.ts";

function setUp(limits: ThrottlingLimits): {
  storage: ThrottledStorage;
  clock: FakeClock;
  sleptSeconds: () => number;
} {
  const clock = new FakeClock();
  const storage = new ThrottledStorage(new MemoryStorage({ clock }), clock, limits);
  const sleptSeconds = (): number => clock.sleepsMs.reduce((sum, ms) => sum + ms, 0) / 1000;
  return { storage, clock, sleptSeconds };
}

test("a bucket starts with a tenth of its window and then lets the rate through", async () => {
  // 60 s × 10/s = 600 tokens, 60 of them at the start.
  const { storage, sleptSeconds } = setUp({ writesPerSecond: 10 });
  for (let i = 0; i < 60; i++) await storage.put("xe1", new Uint8Array(1));
  expect(sleptSeconds()).toBe(0);
  for (let i = 0; i < 100; i++) await storage.put("xe1", new Uint8Array(1));
  expect(sleptSeconds()).toBeCloseTo(10, 6);
});

test("an idle bucket never holds more than its window", async () => {
  const { storage, clock, sleptSeconds } = setUp({ readsPerSecond: 1 });
  await storage.put("xe1", new Uint8Array(1));
  clock.advance(3_600_000_000_000n);
  for (let i = 0; i < 70; i++) await storage.getMetadata("xe1");
  expect(sleptSeconds()).toBeCloseTo(10, 6);
});

test("uploads pay for their length, with debt", async () => {
  const { storage, sleptSeconds } = setUp({ maxUploadSpeedBytesPerSecond: 1000 });
  // 6,000 bytes are there at the start.
  await storage.put("xe1", new Uint8Array(16_000));
  expect(sleptSeconds()).toBeCloseTo(10, 6);
  const writer = storage.openWriter("p1");
  writer.append(new Uint8Array(5000));
  expect(sleptSeconds()).toBeCloseTo(10, 6);
  await writer.commit();
  expect(sleptSeconds()).toBeCloseTo(15, 6);
});

test("a whole download takes 20,000,000 bytes and gives back what it did not need", async () => {
  const { storage, sleptSeconds } = setUp({ maxDownloadSpeedBytesPerSecond: 1_000_000 });
  await storage.put("p1", new Uint8Array(1_000_000));
  // 6,000,000 are there: a debt of 14 s, of which 19,000,000 come back.
  await storage.get("p1");
  expect(sleptSeconds()).toBeCloseTo(14, 6);
  await storage.get("p1", { offsetBytes: 0, lengthBytes: 1_000_000 });
  expect(sleptSeconds()).toBeCloseTo(14, 6);
});

test("lists, reads and writes have buckets of their own; deletes are writes", async () => {
  const limits = { readsPerSecond: 1, writesPerSecond: 1, listsPerSecond: 1 };
  const { storage, sleptSeconds } = setUp(limits);
  for (let i = 0; i < 6; i++) {
    await storage.delete("xe1");
    await collectAsync(storage.list(""));
    await storage.getMetadata("xe1").catch(() => {});
  }
  expect(sleptSeconds()).toBe(0);
  await collectAsync(storage.list(""));
  expect(sleptSeconds()).toBeCloseTo(1, 6);
});

test("limits can be changed while it runs; zero and absent are no limits", async () => {
  const { storage, sleptSeconds } = setUp({ writesPerSecond: 1 });
  storage.setLimits({ writesPerSecond: 0 });
  for (let i = 0; i < 100; i++) await storage.delete("xe1");
  expect(sleptSeconds()).toBe(0);
  expect(storage.limits).toEqual({ writesPerSecond: 0 });
});

test("at most the allowed number of operations runs at once", async () => {
  let running = 0;
  let most = 0;
  const slow: BlobStorage = Object.assign(new MemoryStorage(), {
    async getMetadata(id: string) {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return { id, lengthBytes: 0, timestamp: 0n };
    },
  });
  const storage = new ThrottledStorage(slow, new FakeClock(), { concurrentReads: 3 });
  await Promise.all(Array.from({ length: 20 }, () => storage.getMetadata("xe1")));
  expect(most).toBe(3);
});

test("limits that are none are refused", () => {
  for (const limits of [
    { readsPerSecond: -1 },
    { concurrentReads: Number.NaN },
    { listsPerSecond: Infinity },
  ]) {
    expect(() => setUp(limits)).toThrow(
      expect.toSatisfy((error) => isKopiaError(error, "ARGUMENT_INVALID")) as Error,
    );
  }
});
