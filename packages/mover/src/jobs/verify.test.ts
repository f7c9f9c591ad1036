import { expect, test } from "vitest";
import { isInSlice, sliceAt } from "./verify.ts";

const HOUR_MS = 3_600_000;

test("runs at the interval meet every slice once within the period", () => {
  const slices = Array.from({ length: 28 }, (_, run) =>
    sliceAt(1_700_000_000_000 + run * 24 * HOUR_MS, 28 * 24 * HOUR_MS, 24 * HOUR_MS),
  );
  expect(new Set(slices.map(({ index }) => index)).size).toBe(28);
  const objectId = "Ix0123456789abcdef0123456789abcdef";
  expect(slices.filter((slice) => isInSlice(objectId, slice))).toHaveLength(1);
});

test("a period shorter than the interval reads everything each time", () => {
  expect(sliceAt(5 * HOUR_MS, HOUR_MS, 24 * HOUR_MS)).toEqual({ index: 0, sliceCount: 1 });
  expect(isInSlice("ffffffffffffffffffffffffffffffff", { index: 0, sliceCount: 1 })).toBe(true);
});
