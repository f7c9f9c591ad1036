import * as fc from "fast-check";
import { expect, test } from "vitest";
import { seededBytes } from "../testing/index.ts";
import { HASH_NAMES, createHashFunction } from "./registry.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 30);

// Lengths around the block sizes of all hash functions, and beyond the transfer buffer of the
// WebAssembly ones (16 KiB).
const lengths = fc.oneof(fc.nat(300), fc.integer({ min: 16_300, max: 16_500 }), fc.nat(70_000));

for (const name of HASH_NAMES) {
  test(`${name}: both providers agree`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.constantFrom(1, 16, 31, 32), lengths, async (...input) => {
        const [seed, secretLength, length] = input;
        const secret = seededBytes(seed, secretLength);
        // A view into a larger array: offsets must be respected.
        const data = seededBytes(seed + 1, length + 7).subarray(3, length + 3);
        const fast = await createHashFunction(name, secret, "fast");
        const portable = await createHashFunction(name, secret, "portable");
        expect(fast.hash(data)).toEqual(portable.hash(data));
      }),
      { numRuns: Math.ceil(numRuns / 3) },
    );
  });
}
