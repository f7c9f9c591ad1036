import { expect, test } from "vitest";
import { utf8Encode } from "../base/bytes.ts";
import { collectAsync } from "../base/collect-async.ts";
import { KopiaError } from "../base/errors.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { FaultyStorage, type Fault } from "../testing/faulty-storage.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { RetryingStorage, type RetryOptions } from "./retrying-storage.ts";

function setUp(
  faults: readonly Fault[],
  options: RetryOptions = {},
): { storage: RetryingStorage; faulty: FaultyStorage; clock: FakeClock } {
  const clock = new FakeClock();
  const faulty = new FaultyStorage(new MemoryStorage({ clock }), faults);
  return { storage: new RetryingStorage(faulty, clock, options), faulty, clock };
}

test("pauses grow by half up to their maximum, and ten tries are all", async () => {
  const told: number[] = [];
  const { storage, faulty, clock } = setUp([{ kind: "fail", persistent: true }], {
    maxPauseMs: 1000,
    onRetry: (_error, pauseMs) => told.push(pauseMs),
  });
  await expect(storage.get("xe1")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  expect(faulty.log).toHaveLength(10);
  expect(clock.sleepsMs.map(Math.round)).toEqual([100, 150, 225, 338, 506, 759, 1000, 1000, 1000]);
  expect(told).toEqual(clock.sleepsMs);
});

test("a put whose answer was lost is put again", async () => {
  const { storage, faulty } = setUp([{ kind: "failAfter", operations: ["put"] }]);
  await storage.put("xe1", utf8Encode("1"));
  expect(faulty.log.map(({ operation }) => operation)).toEqual(["put", "put"]);
  expect(await collectAsync(storage.list(""))).toHaveLength(1);
});

test("a listing that broke off is given once, whole", async () => {
  const { storage } = setUp([{ kind: "fail", operations: ["list"], nth: 1 }]);
  await storage.put("xe1", utf8Encode("1"));
  await storage.put("xe2", utf8Encode("1"));
  expect((await collectAsync(storage.list(""))).map(({ id }) => id)).toEqual(["xe1", "xe2"]);
});

test("what cannot pass is not tried again", async () => {
  const details = { systemCode: "ESTALE" };
  for (const error of [
    new KopiaError("STORAGE_FULL", "full"),
    new KopiaError("STORAGE_PERMISSION", "no"),
    new KopiaError("BLOB_NOT_FOUND", "gone"),
    new KopiaError("STORAGE_UNAVAILABLE", "stale", { details }),
    new TypeError("a bug"),
  ]) {
    const { storage, faulty } = setUp([{ kind: "fail", persistent: true, error }]);
    await expect(storage.get("xe1")).rejects.toBe(error);
    expect(faulty.log).toHaveLength(1);
  }
});

test("a commit is not tried again", async () => {
  const { storage, faulty } = setUp([{ kind: "fail", operations: ["put"] }]);
  const writer = storage.openWriter("p1");
  writer.append(utf8Encode("1"));
  await expect(writer.commit()).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  expect(faulty.log).toHaveLength(1);
});

test("an aborted signal ends the waiting", async () => {
  const signal = AbortSignal.abort(new Error("stopped"));
  const { storage } = setUp([{ kind: "fail", persistent: true }], { signal });
  await expect(storage.get("xe1")).rejects.toThrow("stopped");
});
