import * as fc from "fast-check";
import { expect, test } from "vitest";
import { splitterFactory } from "../splitter/registry.ts";
import { seededBytes } from "../testing/index.ts";
import { SplitterCutter } from "./object-cutter.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 30);

test("a cutter gives the lengths of the splitter's pieces, however the bytes are sliced", () => {
  const cutter = new SplitterCutter(splitterFactory("DYNAMIC-128K-BUZHASH")!.create());
  fc.assert(
    fc.property(
      fc.nat(),
      fc.constantFrom(0, 1, 70_000, 400_000, 1_500_000),
      fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 6 }),
      (seed, lengthBytes, sliceLengths) => {
        const data = seededBytes(seed, lengthBytes);
        const whole = [...cutter.push(data), ...cutter.finish()];
        expect(whole.reduce((sum, length) => sum + length, 0)).toBe(lengthBytes);
        expect(whole.length).toBeGreaterThan(0);
        const sliced: number[] = [];
        for (let start = 0, i = 0; start < lengthBytes; i++) {
          const end = start + sliceLengths[i % sliceLengths.length]!;
          sliced.push(...cutter.push(data.subarray(start, end)));
          start = end;
        }
        expect([...sliced, ...cutter.finish()]).toEqual(whole);
      },
    ),
    { numRuns },
  );
});
