import fc from "fast-check";
import { expect, test } from "vitest";
import { KopiaError } from "../../base/errors.ts";
import { crc32 } from "../../base/crc32.ts";
import { decodePostamble, encodePostamble } from "./postamble.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);

const postambles = fc.record({
  localIndexHash: fc.uint8Array({ minLength: 0, maxLength: 32 }),
  localIndexOffset: fc.maxSafeNat(),
  localIndexLength: fc.maxSafeNat(),
});

test("decode(encode(x)) = x, whatever stands before it", () => {
  fc.assert(
    fc.property(postambles, fc.uint8Array({ maxLength: 300 }), (postamble, before) => {
      const tail = Buffer.concat([before, encodePostamble(postamble)]);
      const decoded = decodePostamble(tail, "p1");
      expect({ ...decoded, localIndexHash: new Uint8Array(decoded.localIndexHash) }).toEqual(
        postamble,
      );
    }),
    { numRuns },
  );
});

test("every flipped bit is refused", () => {
  fc.assert(
    fc.property(postambles, fc.nat(), (postamble, at) => {
      const bytes = encodePostamble(postamble);
      const bit = at % (8 * bytes.length);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => decodePostamble(bytes, "p1")).toThrow(KopiaError);
    }),
    { numRuns },
  );
});

test("anything with a valid checksum gives a postamble or a KopiaError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 250 }), (fields) => {
      const bytes = new Uint8Array(fields.length + 5);
      bytes.set(fields);
      new DataView(bytes.buffer).setUint32(fields.length, crc32(fields));
      bytes[bytes.length - 1] = bytes.length - 1;
      try {
        decodePostamble(bytes, "p1");
      } catch (error) {
        expect(error).toBeInstanceOf(KopiaError);
        expect((error as KopiaError).code).toBe("PACK_CORRUPT");
      }
    }),
    { numRuns },
  );
});
