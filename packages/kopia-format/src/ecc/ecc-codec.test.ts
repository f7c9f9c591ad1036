import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, toHex } from "../base/bytes.ts";
import { isKopiaError } from "../base/errors.ts";
import { combine } from "./combine-shards.ts";
import { EccCodec } from "./ecc-codec.ts";
import { eccParameters } from "./ecc-parameters.ts";
import { ReedSolomon } from "./reed-solomon.ts";
import { PORTABLE_SHARD_WORK } from "./shard-work.ts";

function message(lengthBytes: number): Uint8Array {
  return Uint8Array.from({ length: lengthBytes }, (_, i) => (7 * i + 3) % 256);
}

function fnv64(bytes: Uint8Array): string {
  let hash = 14695981039346656037n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 1099511628211n) & 0xffffffffffffffffn;
  return hash.toString(16).padStart(16, "0");
}

test("parameters follow the table of spec 1 §11.1", () => {
  const shape = (p: number): number[] => {
    const { maxShardBytes, dataShardCount, parityShardCount } = eccParameters(p);
    return [maxShardBytes, dataShardCount, parityShardCount];
  };
  expect([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 50, 100].map(shape)).toEqual([
    [1024, 254, 2],
    [512, 164, 2],
    [256, 139, 2],
    [128, 228, 2],
    [128, 128, 2],
    [128, 128, 3],
    [64, 254, 2],
    [64, 128, 2],
    [64, 128, 3],
    [64, 128, 4],
    [64, 128, 17],
    [64, 128, 56],
    [64, 128, 120],
  ]);
  for (const p of [0, 101, 1.5, Number.NaN])
    expect(() => eccParameters(p)).toThrow(/from 1 to 100/);
});

describe("vectors of spec 1 §15.6", () => {
  test.each([
    [0, "d202ef8d00".repeat(8)],
    [1, "a505df1b014b0bbe3703d202ef8d00d202ef8d00d202ef8d00a505df1b014b0bbe3703d202ef8d00"],
    [
      3,
      "67e12ccb4b2866c9e4bc592141d912ff0000d8d0434500038a21a822030a120031ef110041d912ff000041d912ff0000",
    ],
    [
      31,
      "f348ab59db90ca019864c84ce42fa2f0b5781e3e6d40ff330000001f030a1cfc7f1f11181f262d340ec5d3833b424950575e542ee5ea656c737a8188f9a5ae598f969da4abb2e9f6576ab9c0c7ced500",
    ],
  ])("%i bytes, any percentage", (lengthBytes, hex) => {
    for (const p of [1, 5, 10, 100])
      expect(toHex(new EccCodec(p).encode(message(lengthBytes)))).toBe(hex);
  });

  test.each([
    [1, 2000, 2704, "d481d971f611e955"],
    [2, 9000, 9794, "ec000403314f0f6a"],
    [5, 2000, 2600, "b95b4e6f9719f152"],
    [10, 9000, 10112, "2fe4937935db204a"],
    [10, 40000, 43868, "8a7b23d80d2212f6"],
    [50, 2000, 3680, "5459a5c986cfbcdd"],
    [10, 300000, 328820, "0a05eff98bdb9f7b"],
    [1, 300000, 305288, "c15b5e1b74a8268c"],
  ])("%i %%, %i bytes", (p, lengthBytes, storedBytes, digest) => {
    const codec = new EccCodec(p);
    const stored = codec.encode(message(lengthBytes));
    expect([stored.length, fnv64(stored)]).toEqual([storedBytes, digest]);
    expect(codec.decode(stored)).toEqual({ message: message(lengthBytes), repairedShardCount: 0 });
  });
});

test("any one damaged byte is repaired, wherever it is", () => {
  const codec = new EccCodec(20);
  const stored = codec.encode(message(500));
  for (let at = 0; at < stored.length; at++) {
    const damaged = stored.slice();
    damaged[at] = (damaged[at] as number) ^ 0x55;
    expect(codec.decode(damaged).message).toEqual(message(500));
  }
});

test("decode(encode(x)) = x, also with as many damaged shards as there are parity shards", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.uint8Array({ maxLength: 20_000 }),
      fc.array(fc.nat(), { maxLength: 2 }),
      (p, data, hits) => {
        const codec = new EccCodec(p);
        const stored = codec.encode(data);
        for (const hit of hits)
          stored[hit % stored.length] = (stored[hit % stored.length] as number) ^ 0xff;
        const { message: decoded, repairedShardCount } = codec.decode(stored);
        expect(decoded).toEqual(data);
        expect(repairedShardCount).toBeLessThanOrEqual(hits.length);
      },
    ),
    { numRuns: Number(process.env["FUZZ_RUNS"] ?? 60) },
  );
});

test("arbitrary bytes are decoded or refused with CONTENT_CORRUPT", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.uint8Array({ maxLength: 3000 }),
      (p, stored) => {
        try {
          new EccCodec(p).decode(stored);
        } catch (error) {
          if (!isKopiaError(error, "CONTENT_CORRUPT")) throw error;
        }
      },
    ),
    { numRuns: Number(process.env["FUZZ_RUNS"] ?? 60) },
  );
});

test("more damage than parity is refused, and names the block", () => {
  const codec = new EccCodec(10);
  const stored = codec.encode(message(9000));
  // Shards of the first of two blocks, behind the parity shards of both: four of them can be rebuilt.
  for (let shard = 0; shard < 5; shard++) {
    if (shard === 4) expect(codec.decode(stored)).toMatchObject({ repairedShardCount: 4 });
    const at = 2 * 4 * 68 + shard * 68 + 10;
    stored[at] = (stored[at] as number) ^ 1;
  }
  expect(() => codec.decode(stored)).toThrow(
    expect.objectContaining({
      code: "CONTENT_CORRUPT",
      details: { block: 0, damagedShardCount: 5 },
    }),
  );
});

test("a length that does not fit the shards is refused, with every checksum right", () => {
  const { parityRows } = new ReedSolomon(6, 2);
  const sealed = PORTABLE_SHARD_WORK.seal(parityRows, new Uint8Array(12).fill(0xff, 3, 4), 2);
  const stored = concatBytes(sealed.parity, sealed.data);
  expect(() => new EccCodec(10).decode(stored)).toThrow(
    expect.objectContaining({
      code: "CONTENT_CORRUPT",
      message: expect.stringContaining("message length 255 does not fit its 12 bytes"),
    }),
  );
});

test("a factor of zero adds nothing", () => {
  const output = Uint8Array.of(1, 2);
  combine(Uint8Array.of(0, 3), [Uint8Array.of(9, 9), Uint8Array.of(1, 2)], output);
  expect(output).toEqual(Uint8Array.of(3, 6));
});
