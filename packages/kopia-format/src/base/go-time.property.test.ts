import fc from "fast-check";
import { expect, test } from "vitest";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { isKopiaError } from "./errors.ts";
import { formatGoTime, parseGoTime } from "./go-time.ts";

const numRuns = fuzzRuns(500);
const anyTime = fc.bigInt({ min: -62_167_219_200_000_000_000n, max: 253_402_300_799_999_999_999n });

test("every time of the years 0 to 9999 is read back", () => {
  fc.assert(
    fc.property(anyTime, (time) => {
      const text = formatGoTime(time);
      expect(text).not.toMatch(/\.\d*0Z$|\.Z$/);
      expect(parseGoTime(text)).toBe(time);
    }),
    { numRuns },
  );
});

test("whole milliseconds agree with Date in both directions", () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date("0000-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }),
      (date) => {
        const time = BigInt(date.getTime()) * 1_000_000n;
        expect(parseGoTime(date.toISOString())).toBe(time);
        expect(Date.parse(formatGoTime(time))).toBe(date.getTime());
      },
    ),
    { numRuns },
  );
});

test("any text gives a time or a typed error", () => {
  const nearTime = fc
    .tuple(anyTime, fc.nat(40), fc.constantFrom("", "0", ":", "Z", "+", ".", "-", "T", "x"))
    .map(([time, at, insert]) => {
      const text = formatGoTime(time);
      return text.slice(0, at) + insert + text.slice(at + 1);
    });
  fc.assert(
    fc.property(fc.oneof(nearTime, fc.string()), (text) => {
      try {
        expect(typeof parseGoTime(text)).toBe("bigint");
      } catch (error) {
        if (!isKopiaError(error, "JSON_INVALID")) throw error;
      }
    }),
    { numRuns },
  );
});
