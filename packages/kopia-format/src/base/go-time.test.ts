import { expect, test } from "vitest";
import { isKopiaError } from "./errors.ts";
import { GO_ZERO_TIME, daysFromCivil, formatGoTime, parseGoTime, wrapInt64 } from "./go-time.ts";

test("times print as in the vectors of spec 2", () => {
  expect(formatGoTime(0n)).toBe("1970-01-01T00:00:00Z");
  expect(formatGoTime(-500_000_000n)).toBe("1969-12-31T23:59:59.5Z");
  expect(formatGoTime(1_714_979_289_000_000_010n)).toBe("2024-05-06T07:08:09.00000001Z");
  expect(formatGoTime(1_704_067_199_999_999_999n)).toBe("2023-12-31T23:59:59.999999999Z");
  expect(formatGoTime(-6_795_364_578_871_345_152n)).toBe("1754-08-30T22:43:41.128654848Z");
  expect(formatGoTime(GO_ZERO_TIME)).toBe("0001-01-01T00:00:00Z");
});

test("Go's zero time as int64 nanoseconds is the value of spec 2 §6.2", () => {
  expect(wrapInt64(GO_ZERO_TIME)).toBe(-6_795_364_578_871_345_152n);
});

test("offsets are taken into account, extra digits dropped", () => {
  expect(parseGoTime("2024-05-06T09:08:09.00000001+02:00")).toBe(1_714_979_289_000_000_010n);
  expect(parseGoTime("2024-05-06T00:38:09-06:30")).toBe(1_714_979_289_000_000_000n);
  expect(parseGoTime("2024-05-06T07:08:09.1234567899999Z")).toBe(1_714_979_289_123_456_789n);
  expect(parseGoTime("1969-12-31T23:59:59.5Z")).toBe(-500_000_000n);
  expect(parseGoTime("0000-01-01T00:00:00Z")).toBe(-62_167_219_200_000_000_000n);
  expect(parseGoTime("2000-02-29T00:00:00Z")).toBe(951_782_400_000_000_000n);
});

test("what is not strict RFC 3339 is refused", () => {
  for (const text of [
    "",
    "2024-05-06",
    "2024-05-06 07:08:09Z",
    "2024-05-06t07:08:09Z",
    "2024-05-06T07:08:09z",
    "2024-05-06T07:08Z",
    "2024-05-06T07:08:09",
    "2024-05-06T07:08:09.Z",
    "2024-05-06T07:08:09,5Z",
    "2024-05-06T07:08:60Z",
    "2024-05-06T24:00:00Z",
    "2024-02-30T00:00:00Z",
    "2023-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2024-13-01T00:00:00Z",
    "2024-00-01T00:00:00Z",
    "2024-01-00T00:00:00Z",
    "2024-05-06T07:08:09+24:00",
    "2024-05-06T07:08:09+02:60",
    "2024-05-06T07:08:09+0200",
    "2024-05-06T07:08:09Z ",
    "2024-5-06T07:08:09Z",
    "+2024-05-06T07:08:09Z",
    "10000-01-01T00:00:00Z",
    "2024-05-06T07:08:09.5",
    "２024-05-06T07:08:09Z",
  ]) {
    let thrown: unknown;
    try {
      parseGoTime(text, "startTime");
    } catch (error) {
      thrown = error;
    }
    expect(isKopiaError(thrown, "JSON_INVALID"), text).toBe(true);
    expect(String(thrown)).toContain("startTime: expected a time");
  }
});

test("years that four digits cannot say are refused", () => {
  expect(formatGoTime(253_402_300_799_999_999_999n)).toBe("9999-12-31T23:59:59.999999999Z");
  expect(() => formatGoTime(253_402_300_800_000_000_000n)).toThrow(RangeError);
  expect(() => formatGoTime(-62_167_219_200_000_000_001n)).toThrow(RangeError);
});

test("months and days out of range carry over", () => {
  expect(daysFromCivil(2024, 14, 1)).toBe(daysFromCivil(2025, 2, 1));
  expect(daysFromCivil(2024, 0, 31)).toBe(daysFromCivil(2023, 12, 31));
  expect(daysFromCivil(2024, 2, 31)).toBe(daysFromCivil(2024, 3, 2));
  expect(daysFromCivil(50, 1, 1)).toBeLessThan(daysFromCivil(1950, 1, 1));
});
