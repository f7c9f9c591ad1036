import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isKopiaError } from "../base/errors.ts";
import { seededBytes } from "../testing/index.ts";
import type { Compressor } from "./compressor.ts";
import { compressorByHeaderId } from "./registry.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);
const LIMIT_BYTES = 100_000;
const LZ4_OF_ZEROS = `BCJNGGRwuZ0BAAAfAAEA${"/".repeat(522)}8ZAAIAwAAAAAAAAAAAAAAAAAAAAADCNOxu`;

const READERS: Compressor[] = [0x1100, 0x1200, 0x1000, 0x1500, 0x1400].flatMap((headerId) =>
  (["portable", "fast"] as const)
    .map((provider) => compressorByHeaderId(headerId, provider))
    .filter((compressor) => compressor !== undefined),
);

/** A valid stream of each family to damage. */
function validStream(compressor: Compressor): Uint8Array {
  if (compressor.name === "lz4") return new Uint8Array(Buffer.from(LZ4_OF_ZEROS, "base64"));
  const data = seededBytes(3, 2000).map((byte) => byte & 31);
  return compressorByHeaderId(compressor.headerId)!.compress(data);
}

for (const reader of READERS) {
  const stream = validStream(reader);
  const magic = stream.subarray(0, reader.name === "s2-default" ? 10 : 4);
  const afterMagic = fc.uint8Array({ maxLength: 300 }).map((tail) => Buffer.concat([magic, tail]));
  const damaged = fc
    .array(fc.tuple(fc.nat(stream.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    .map((changes) => {
      const copy = Buffer.from(stream);
      for (const [offset, byte] of changes) copy[offset] = byte;
      return copy;
    });

  test(`${reader.name} (${reader.provider}): any bytes give data within the limit or a typed error`, () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), afterMagic, damaged), (bytes) => {
        try {
          const unpacked = reader.decompress(new Uint8Array(bytes), LIMIT_BYTES);
          expect(unpacked.length).toBeLessThanOrEqual(LIMIT_BYTES);
        } catch (error) {
          if (!isKopiaError(error)) throw error;
          expect(error.code).toMatch(/^COMPRESSION_(CORRUPT|LIMIT)$/);
        }
      }),
      { numRuns },
    );
  });
}
