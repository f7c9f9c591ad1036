import * as fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { isKopiaError } from "../base/errors.ts";
import { seededBytes } from "../testing/index.ts";
import type { Compressor } from "./compressor.ts";
import { loadPortableZstdEncoder } from "./load-portable-zstd-encoder.ts";
import { COMPRESSOR_NAMES, compressorByHeaderId, compressorByName } from "./registry.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 12);
const PROVIDERS = ["portable", "fast"] as const;

beforeAll(loadPortableZstdEncoder);

function providersOf(name: string): Compressor[] {
  return PROVIDERS.map((provider) => compressorByName(name, provider)).filter(
    (compressor) => compressor !== undefined,
  );
}

/** Data of several kinds: random, of few values, with far and near repeats. */
const arbitraryData = fc
  .record({
    seed: fc.nat(),
    length: fc.oneof(fc.nat(70), fc.nat(3000), fc.integer({ min: 60_000, max: 300_000 })),
    mask: fc.constantFrom(0, 1, 15, 255),
    period: fc.constantFrom(0, 3, 100, 5000),
  })
  .map(({ seed, length, mask, period }) => {
    const data = seededBytes(seed, length).map((byte) => byte & mask);
    if (period > 0) for (let i = period; i < length; i++) if (i & 64) data[i] = data[i - period]!;
    return data;
  });

for (const name of COMPRESSOR_NAMES) {
  test(`${name}: every provider reads what every provider wrote, within the limit`, () => {
    fc.assert(
      fc.property(arbitraryData, (data) => {
        for (const writer of providersOf(name)) {
          const packed = writer.compress(data);
          for (const reader of providersOf(name)) {
            expect(Buffer.compare(reader.decompress(packed, data.length), data)).toBe(0);
            if (data.length === 0) continue;
            expect(() => reader.decompress(packed, data.length - 1)).toThrow(
              expect.objectContaining({ code: "COMPRESSION_LIMIT" }),
            );
          }
        }
      }),
      { numRuns },
    );
  });
}

const FAMILIES = ["zstd", "gzip", "deflate-default", "s2-default"];
for (const name of FAMILIES) {
  for (const compressor of providersOf(name)) {
    test(`${name}: truncations are refused (${compressor.provider})`, () => {
      const data = seededBytes(1, 700).map((byte) => byte & 7);
      const packed = compressor.compress(data);
      for (let length = 0; length < packed.length; length++) {
        // S2 ends between chunks without a mark: what is left of it is the start.
        if (name === "s2-default" && length === 10) continue;
        expect(() => compressor.decompress(packed.subarray(0, length), 700)).toThrow(
          expect.objectContaining({ code: "COMPRESSION_CORRUPT" }),
        );
      }
    });
  }
}

test("flipped bits are refused, or change nothing, where the stream has a checksum", () => {
  const data = seededBytes(1, 300).map((byte) => byte & 7);
  for (const name of ["zstd", "gzip", "s2-default"]) {
    const compressor = compressorByName(name)!;
    const packed = compressor.compress(data);
    for (let bit = 0; bit < 8 * packed.length; bit++) {
      const flipped = packed.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const result = unpackOrCode(compressor, flipped, 1000);
      // A chunk of S2 can turn into one to be skipped: the length in the index tells.
      if (name === "s2-default" && result.length === 0) continue;
      if (typeof result !== "string") expect(Buffer.compare(result, data)).toBe(0);
    }
  }
});

test("after a corrupt stream the next ones are read as before", () => {
  const compressor = compressorByName("zstd")!;
  const data = seededBytes(2, 2000).map((byte) => byte & 3);
  const packed = compressor.compress(data);
  const broken = packed.slice();
  broken[broken.length - 1]! ^= 1;
  for (let i = 0; i < 20; i++) {
    expect(unpackOrCode(compressor, broken, 5000)).toBe("COMPRESSION_CORRUPT");
    expect(compressor.decompress(packed, 5000)).toEqual(data);
    expect(compressor.compress(data)).toEqual(packed);
  }
});

function unpackOrCode(
  compressor: Compressor,
  data: Uint8Array,
  limit: number,
): Uint8Array | string {
  try {
    return compressor.decompress(data, limit);
  } catch (error) {
    if (isKopiaError(error)) return error.code;
    throw error;
  }
}

test("headers of all compressors lead to readers", () => {
  for (const name of COMPRESSOR_NAMES) {
    const { headerId } = compressorByName(name)!;
    expect(compressorByHeaderId(headerId)!.name).toBe(name);
  }
});
