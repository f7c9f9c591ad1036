import * as fc from "fast-check";
import { expect, test } from "vitest";
import { seededBytes } from "../testing/index.ts";
import { buzhashWindow, portableBuzhashScanner } from "./buzhash.ts";
import { compiledBuzhashScanner, compiledRabinKarpScanner } from "./compiled-scanners.ts";
import { DynamicSplitter } from "./dynamic-splitter.ts";
import { portableRabinKarpScanner } from "./rabinkarp.ts";
import { splitterFactory } from "./registry.ts";
import { sizesForAverage, type SplitterSizes } from "./splitter-sizes.ts";
import type { Splitter } from "./splitter.ts";
import type { WindowScanner } from "./window-scanner.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 60);

/** Feeds the data in slices, each in an array of its own with other bytes around it. */
function cutsInSlices(splitter: Splitter, data: Uint8Array, sliceLengths: () => number): number[] {
  const cuts: number[] = [];
  for (let position = 0; position < data.length;) {
    const length = Math.min(data.length - position, sliceLengths());
    const slice = new Uint8Array(length + 20).fill(0xee);
    slice.set(data.subarray(position, position + length), 7);
    let start = 7;
    for (;;) {
      const cut = splitter.nextSplitPoint(slice, start, 7 + length);
      if (cut < 0) break;
      start += cut;
      cuts.push(position + start - 7);
    }
    position += length;
  }
  return cuts;
}

/** The rule of spec 2 §1.2 word for word: every byte is rolled in and tested. */
function cutsByTheRule(data: Uint8Array, sizes: SplitterSizes): number[] {
  const padded = new Uint8Array(64 + data.length);
  padded.set(data, 64);
  const cuts: number[] = [];
  let count = 0;
  for (let position = 1; position <= data.length; position++) {
    count++;
    const candidate = (buzhashWindow(padded, 64 + position) & (sizes.averageBytes - 1)) === 0;
    if ((count >= sizes.minBytes && candidate) || count === sizes.maxBytes) {
      cuts.push(position);
      count = 0;
    }
  }
  return cuts;
}

// Few different bytes, so that runs and repeats (hash 0) happen often.
const arbitraryData = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 31 }), fc.constantFrom(1, 3, 255), fc.nat(4000))
  .map(([seed, mask, length]) => seededBytes(seed, length).map((byte) => byte & mask));
const arbitrarySlices = fc.infiniteStream(fc.oneof(fc.nat(3), fc.nat(100), fc.nat(2000)));

test("small dynamic splitters follow the rule, however the input is sliced", () => {
  const sizes = sizesForAverage(128);
  fc.assert(
    fc.property(arbitraryData, arbitrarySlices, (data, slices) => {
      const expected = cutsByTheRule(data, sizes);
      for (const scanner of [portableBuzhashScanner(128), compiledBuzhashScanner(128)!]) {
        const next = (): number => slices.next().value;
        expect(cutsInSlices(new DynamicSplitter(sizes, scanner), data, next)).toEqual(expected);
        expect(cutsInSlices(new DynamicSplitter(sizes, scanner), data, () => 1)).toEqual(expected);
      }
    }),
    { numRuns },
  );
});

const SCANNERS: ReadonlyArray<readonly [string, WindowScanner, WindowScanner]> = [
  ["Buzhash", portableBuzhashScanner(4096), compiledBuzhashScanner(4096)!],
  ["Rabin–Karp", portableRabinKarpScanner(4096), compiledRabinKarpScanner(4096)!],
];
for (const [name, portable, compiled] of SCANNERS) {
  test(`the compiled ${name} scan finds what the plain one finds`, () => {
    // More than one block of the kernel, and ranges that end anywhere.
    const data = seededBytes(7, 200_000);
    fc.assert(
      fc.property(fc.nat(199_936), fc.nat(199_936), (a, b) => {
        const from = 64 + Math.min(a, b);
        const to = 64 + Math.max(a, b);
        const expected = portable.findCandidate(data, from, to);
        expect(compiled.findCandidate(data, from, to)).toBe(expected);
      }),
      { numRuns },
    );
  });

  test(`the compiled ${name} scan walks all candidates, in random and in repeating data`, () => {
    for (const data of [seededBytes(8, 300_000), new Uint8Array(70_000), repeating(150_000)]) {
      expect(candidates(compiled, data)).toEqual(candidates(portable, data));
    }
  });
}

test("real splitters do not depend on slicing, and reset starts a new object", () => {
  const data = seededBytes(11, 1_500_000);
  for (const name of ["DYNAMIC-128K-BUZHASH", "DYNAMIC-128K-RABINKARP", "FIXED-128K"]) {
    const splitter = splitterFactory(name)!.create();
    const whole = cutsInSlices(splitter, data, () => data.length);
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(200_000)), (slices) => {
        splitter.reset();
        const next = (): number => slices.next().value;
        expect(cutsInSlices(splitter, data, next)).toEqual(whole);
      }),
      { numRuns: Math.min(numRuns, 20) },
    );
    const longest = Math.max(...whole.map((cut, i) => cut - (whole[i - 1] ?? 0)));
    expect(longest).toBeLessThanOrEqual(splitter.maxSegmentBytes);
  }
});

function repeating(length: number): Uint8Array {
  const pattern = seededBytes(9, 48);
  return Uint8Array.from({ length }, (_, i) => pattern[i % pattern.length]!);
}

function candidates(scanner: WindowScanner, data: Uint8Array): number[] {
  const found: number[] = [];
  for (let from = 64; from <= data.length;) {
    const position = scanner.findCandidate(data, from, data.length);
    if (position < 0) break;
    found.push(position);
    from = position + 1;
    if (found.length > 2000) break;
  }
  return found;
}
