import { describe, expect, test } from "vitest";
import { seededBytes } from "../testing/seeded.ts";
import { compiledS2Codec, portableS2Codec, type S2BlockCodec } from "./s2-codec.ts";

const compiled = compiledS2Codec() as S2BlockCodec;

/** Elements, and how many bytes they are asked to give. */
const HOSTILE: readonly (readonly [string, readonly number[], number])[] = [
  ["a literal beyond the input", [4 << 2, 1, 2], 5],
  ["a literal beyond the output", [1 << 2, 1, 2], 1],
  ["a literal whose length is cut off", [61 << 2, 1], 300],
  ["a copy of nothing yet", [(4 << 2) | 1, 1], 8],
  ["a copy from before the start", [0, 7, (0 << 2) | 1, 2], 5],
  ["a copy beyond the output", [0, 7, (3 << 2) | 1, 1], 4],
  ["a repeat before any copy", [0, 7, (0 << 2) | 1, 0], 5],
  ["a copy whose offset is cut off", [0, 7, (3 << 2) | 2, 1], 5],
  ["a repeat whose length is cut off", [0, 7, (0 << 2) | 1, 1, (6 << 2) | 1, 0, 9], 50],
  ["too few bytes", [0, 7], 2],
];

describe.each([
  ["portable", portableS2Codec],
  ["compiled", compiled],
])("%s", (_name, codec) => {
  test.each(HOSTILE)("%s is refused", (_what, elements, length) => {
    const unpack = (): number => codec.unpack(Uint8Array.from(elements), new Uint8Array(length));
    expect(unpack).toThrow(RangeError);
  });

  test("a copy over itself and a repeat of its offset", () => {
    const output = new Uint8Array(1 + 4 + 4);
    codec.unpack(Uint8Array.of(0, 7, (0 << 2) | 1, 1, (0 << 2) | 1, 0), output);
    expect(output).toEqual(new Uint8Array(9).fill(7));
  });

  test.each([1, 60, 61, 256, 257, 65_536, 65_537, 300_000])(
    "a literal of %i bytes comes back",
    (lengthBytes) => {
      const data = seededBytes(1, lengthBytes);
      const packed = codec.pack(data).packed;
      const output = new Uint8Array(lengthBytes);
      // The length of the block, a uvarint, stands before its elements.
      const elementsStart = packed.findIndex((byte) => byte < 128) + 1;
      codec.unpack(packed.slice(elementsStart), output);
      expect(Buffer.compare(output, data)).toBe(0);
    },
  );
});
