import fc from "fast-check";
import { expect, test } from "vitest";
import { fuzzRuns } from "../../../testing/fuzz-runs.ts";
import type { BlobMetadata } from "../../../blob/storage.ts";
import { firstCompleteSet } from "./complete-set.ts";
import {
  epochMarkerId,
  parseEpoch,
  parseEpochRange,
  parseWatermark,
  rangePrefix,
  singleEpochPrefix,
  uncompactedPrefix,
  watermarkId,
} from "./epoch-names.ts";
import { longestRangeChain } from "./range-chain.ts";

const numRuns = fuzzRuns(300);

function blob(id: string): BlobMetadata {
  return { id, lengthBytes: 1, timestamp: 0n };
}

test.each([
  ["xe0", 0],
  ["xe12", 12],
  ["xn3_0123-s1-c1", 3],
  ["xs10_0123", 10],
  ["x7_", 7],
  ["xe", undefined],
  ["xe1a", undefined],
  ["xn_5", undefined],
  ["xe-1", 1],
  ["xe99999999999999999999", undefined],
  ["xe9007199254740993", undefined],
  ["", undefined],
])("epoch of %s is %s", (id, epoch) => {
  expect(parseEpoch(id)).toBe(epoch);
});

test.each([
  ["xr0_7_abc-s1-c1", { firstEpoch: 0, lastEpoch: 7 }],
  ["xr8_8_abc", { firstEpoch: 8, lastEpoch: 8 }],
  ["xr0_7", undefined],
  ["xr0_x_abc", undefined],
  ["xr_1_abc", undefined],
  ["xr5_4_abc", undefined],
  ["xr0_-7_abc", undefined],
])("range of %s is %j", (id, range) => {
  expect(parseEpochRange(id)).toEqual(range);
});

test("names that are made are read again", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (a, b) => {
      const range = { firstEpoch: Math.min(a, b), lastEpoch: Math.max(a, b) };
      expect(parseEpoch(epochMarkerId(a))).toBe(a);
      expect(parseEpoch(`${uncompactedPrefix(a)}12ab-s1-c1`)).toBe(a);
      expect(parseEpoch(`${singleEpochPrefix(a)}12ab-s1-c1`)).toBe(a);
      expect(parseEpochRange(`${rangePrefix(range)}12ab-s1-c1`)).toEqual(range);
      expect(parseWatermark(watermarkId(a))).toBe(a);
    }),
    { numRuns },
  );
  expect(parseWatermark("xw")).toBeUndefined();
  expect(parseWatermark("xw12x")).toBeUndefined();
});

test("a set is complete when its members are as many as its last member says", () => {
  const set = (...ids: string[]): string[] | undefined =>
    firstCompleteSet(ids.map(blob))?.map((member) => member.id);
  expect(set()).toBeUndefined();
  expect(set("a-s1-c1")).toEqual(["a-s1-c1"]);
  expect(set("a-s1-c2")).toBeUndefined();
  expect(set("a-s1-c2", "b-s2-c2")).toBeUndefined();
  expect(set("a-s1-c2", "b-s2-c1", "c-s1-c2")).toEqual(["b-s2-c1"]);
  expect(set("a-s1-c2", "c-s1-c2", "b-s2-c1")).toEqual(["a-s1-c2", "c-s1-c2"]);
  expect(set("a-s1-c3", "b-s1-c2")).toEqual(["a-s1-c3", "b-s1-c2"]);
});

test.each(["a", "a-s1", "a-x1-c1", "a-s1-d1", "a-s1-c", "a-s1-c1x", "a-s1-c-1"])(
  "%s does not follow the pattern and is a set by itself",
  (id) => {
    expect(firstCompleteSet([blob("b-s1-c2"), blob(id), blob("c-s1-c2")])).toEqual([blob(id)]);
  },
);

type Range = readonly [number, number];

function chainOf(...ranges: Range[]): Range[] {
  const given = ranges.map(([firstEpoch, lastEpoch]) => ({ firstEpoch, lastEpoch, blobs: [] }));
  return longestRangeChain(given).map((range) => [range.firstEpoch, range.lastEpoch]);
}

test("the chain that reaches farthest, with the fewest ranges", () => {
  expect(chainOf()).toEqual([]);
  expect(chainOf([1, 5])).toEqual([]);
  expect(chainOf([0, 0])).toEqual([]);
  expect(chainOf([0, 7])).toEqual([[0, 7]]);
  expect(chainOf([8, 15], [0, 7], [16, 20], [22, 30])).toEqual([
    [0, 7],
    [8, 15],
    [16, 20],
  ]);
  expect(chainOf([0, 3], [4, 7], [0, 7])).toEqual([[0, 7]]);
  expect(chainOf([0, 9], [0, 3], [4, 12])).toEqual([
    [0, 3],
    [4, 12],
  ]);
});

/** All chains by trying everything. */
function bestByTrying(ranges: readonly Range[], start = 0): Range[] {
  let best: Range[] = [];
  for (const range of ranges) {
    if (range[0] !== start) continue;
    const chain = [range, ...bestByTrying(ranges, range[1] + 1)];
    const end = (list: readonly Range[]): number => list.at(-1)?.[1] ?? -1;
    const isBetter =
      end(chain) > end(best) || (end(chain) === end(best) && chain.length < best.length);
    if (isBetter) best = chain;
  }
  return best;
}

test("the chain equals the best of all chains", () => {
  const range = fc.tuple(fc.nat({ max: 8 }), fc.nat({ max: 4 })).map(([a, n]): Range => [a, a + n]);
  fc.assert(
    fc.property(fc.uniqueArray(range, { maxLength: 9, selector: String }), (ranges) => {
      const best = bestByTrying(ranges);
      const end = best.at(-1)?.[1] ?? 0;
      const chain = chainOf(...ranges);
      expect([chain.at(-1)?.[1] ?? 0, chain.length]).toEqual([end, end === 0 ? 0 : best.length]);
      let next = 0;
      for (const [first, last] of chain) {
        expect(first).toBe(next);
        next = last + 1;
      }
    }),
    { numRuns },
  );
});
