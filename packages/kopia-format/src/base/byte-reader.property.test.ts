import fc from "fast-check";
import { expect, test } from "vitest";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { isKopiaError } from "./errors.ts";

const KINDS = ["u8", "u16", "u24", "u32", "u48", "uvarint", "u16LittleEndian"] as const;
const MAXIMA = { u8: 8, u16: 16, u24: 24, u32: 32, u48: 48, uvarint: 53, u16LittleEndian: 16 };

const field = fc.constantFrom(...KINDS).chain((kind) =>
  fc.tuple(
    fc.constant(kind),
    fc.maxSafeNat().map((n) => n % 2 ** MAXIMA[kind]),
  ),
);
const options = { code: "PACK_CORRUPT", where: "test" } as const;

test("what is written is read back, and every truncation is refused", () => {
  fc.assert(
    fc.property(fc.array(field, { minLength: 1 }), fc.nat(), (fields, cut) => {
      const writer = new ByteWriter(1);
      for (const [kind, value] of fields) writer[kind](value);
      const bytes = writer.finish();
      const reader = new ByteReader(bytes, options);
      for (const [kind, value] of fields) expect(reader[kind]()).toBe(value);
      reader.expectEnd();

      const truncated = new ByteReader(bytes.subarray(0, cut % bytes.length), options);
      let refused: unknown;
      try {
        for (const [kind] of fields) truncated[kind]();
      } catch (error) {
        refused = error;
      }
      expect(isKopiaError(refused, "PACK_CORRUPT")).toBe(true);
    }),
    { numRuns: fuzzRuns(200) },
  );
});
