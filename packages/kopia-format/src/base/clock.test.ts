import { expect, test } from "vitest";
import { NS_PER_SECOND, systemClock, toUnixSeconds } from "./clock.ts";
import { systemRandom } from "./random.ts";

test("the system clock shows the wall clock's time", () => {
  const difference = systemClock.now() / NS_PER_SECOND - BigInt(Math.floor(Date.now() / 1000));
  expect(difference >= -2n && difference <= 2n).toBe(true);
});

test("sleep ends, or rejects with the signal's reason", async () => {
  await systemClock.sleep(1);
  const aborted = AbortSignal.abort(new Error("enough"));
  await expect(systemClock.sleep(1_000_000, aborted)).rejects.toThrow("enough");
  const controller = new AbortController();
  const sleeping = systemClock.sleep(1_000_000, controller.signal);
  controller.abort(new Error("stop"));
  await expect(sleeping).rejects.toThrow("stop");
});

test("seconds are rounded down on both sides of the epoch", () => {
  expect(toUnixSeconds(1_999_999_999n)).toBe(1);
  expect(toUnixSeconds(-1n)).toBe(-1);
  expect(toUnixSeconds(-1_000_000_000n)).toBe(-1);
});

test("randomness of any length", () => {
  const large = systemRandom(200_000);
  expect(large).toHaveLength(200_000);
  expect(large.subarray(199_900).some((byte) => byte !== 0)).toBe(true);
  expect(systemRandom(0)).toHaveLength(0);
});
