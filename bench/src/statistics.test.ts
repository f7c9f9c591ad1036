import { expect, test } from "vitest";
import { growthSlope, spreadOf } from "./statistics.ts";

test("spread of an odd and an even number of values", () => {
  expect(spreadOf([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
  expect(spreadOf([4, 1, 2, 3])).toEqual({ min: 1, median: 3, max: 4 });
});

test("the slope tells linear from quadratic growth", () => {
  const linear = [1, 2, 4, 8].map((size) => [size, 3 * size] as const);
  const quadratic = [1, 2, 4, 8].map((size) => [size, size * size] as const);
  expect(growthSlope(linear)).toBeCloseTo(1);
  expect(growthSlope(quadratic)).toBeCloseTo(2);
});
