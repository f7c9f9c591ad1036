import { expect, test } from "vitest";
import { paceOf } from "./time-left.ts";

const SECOND = 1_000_000_000n;

test("the time left is the time taken times what is left", () => {
  const pace = paceOf({ elapsedNs: 3n * SECOND, doneBytes: 250, totalBytes: 1000 });
  expect(pace).toEqual({ percent: 25, timeLeft: "9s", bytesPerSecond: 250 / 3 });
  const slow = paceOf({ elapsedNs: 130n * SECOND, doneBytes: 1000, totalBytes: 2000 });
  expect(slow?.timeLeft).toBe("2m10s");
});

test("more than the total is all of it; nothing is said without a total, a beginning, or a second", () => {
  const more = paceOf({ elapsedNs: SECOND, doneBytes: 11, totalBytes: 10 });
  expect(more).toMatchObject({ percent: 100, timeLeft: "0s" });
  expect(paceOf({ elapsedNs: SECOND - 1n, doneBytes: 5, totalBytes: 10 })).toBeUndefined();
  expect(paceOf({ elapsedNs: SECOND, doneBytes: 0, totalBytes: 10 })).toBeUndefined();
  expect(paceOf({ elapsedNs: SECOND, doneBytes: 5, totalBytes: 0 })).toBeUndefined();
});
