import { existsSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { isKopiaError } from "./errors.ts";
import { parseGoTime } from "./go-time.ts";
import { parseZoneFile } from "./zone-abbreviation.ts";
import { formatLocalTimestamp, isTimeZone, timeFromCalendar, zonedParts } from "./zoned-time.ts";

const summer = parseGoTime("2024-07-03T09:46:40.123456789Z");
const winter = parseGoTime("2023-11-14T22:13:20Z");
const hasZoneDatabase = existsSync("/usr/share/zoneinfo/Europe/Berlin");

test("UTC prints like Go", () => {
  expect(formatLocalTimestamp(summer, "UTC")).toBe("2024-07-03 09:46:40 UTC");
  expect(formatLocalTimestamp(-1n, "UTC")).toBe("1969-12-31 23:59:59 UTC");
});

test.skipIf(!hasZoneDatabase)(
  "abbreviations come from the time zone database (needs /usr/share/zoneinfo)",
  () => {
    expect(formatLocalTimestamp(summer, "Europe/Berlin")).toBe("2024-07-03 11:46:40 CEST");
    expect(formatLocalTimestamp(winter, "Europe/Berlin")).toBe("2023-11-14 23:13:20 CET");
    expect(formatLocalTimestamp(winter, "America/New_York")).toBe("2023-11-14 17:13:20 EST");
    expect(formatLocalTimestamp(winter, "Asia/Kathmandu")).toBe("2023-11-15 03:58:20 +0545");
    expect(formatLocalTimestamp(winter, "America/Sao_Paulo")).toBe("2023-11-14 19:13:20 -03");
    const future = parseGoTime("2065-07-24T05:20:00Z");
    expect(formatLocalTimestamp(future, "Europe/Berlin")).toBe("2065-07-24 07:20:00 CEST");
  },
);

test("parts hold calendar, offset and ISO week of the zone", () => {
  expect(zonedParts(summer, "Asia/Tokyo")).toMatchObject({
    year: 2024,
    month: 7,
    day: 3,
    hour: 18,
    minute: 46,
    second: 40,
    nanosecond: 123_456_789,
    offsetSeconds: 32_400,
    isoYear: 2024,
    isoWeek: 27,
  });
});

test("ISO weeks at the turn of years", () => {
  for (const [day, isoYear, isoWeek] of [
    ["2023-12-31", 2023, 52],
    ["2024-01-01", 2024, 1],
    ["2021-01-03", 2020, 53],
    ["2021-01-04", 2021, 1],
    ["2018-12-31", 2019, 1],
    ["2016-01-01", 2015, 53],
    ["1969-12-29", 1970, 1],
  ] as const) {
    const parts = zonedParts(parseGoTime(`${day}T12:00:00Z`), "UTC");
    expect([day, parts.isoYear, parts.isoWeek]).toEqual([day, isoYear, isoWeek]);
  }
});

test("calendar arithmetic normalises forward, as retention needs it (spec 2 §8.5)", () => {
  const at = (text: string): bigint => parseGoTime(text);
  const base = zonedParts(at("2024-03-31T10:00:00Z"), "UTC");
  expect(timeFromCalendar({ ...base, month: base.month - 1 }, "UTC")).toBe(
    at("2024-03-02T10:00:00Z"),
  );
  const leap = zonedParts(at("2024-02-29T10:00:00Z"), "UTC");
  expect(timeFromCalendar({ ...leap, year: leap.year - 1 }, "UTC")).toBe(
    at("2023-03-01T10:00:00Z"),
  );
  expect(timeFromCalendar({ ...leap, month: leap.month - 24 }, "UTC")).toBe(
    at("2022-03-01T10:00:00Z"),
  );
  expect(timeFromCalendar({ ...leap, day: leap.day - 70 }, "UTC")).toBe(at("2023-12-21T10:00:00Z"));
});

test("gaps and overlaps follow the rule of Go's time.Date", () => {
  const calendar = { year: 2024, month: 3, day: 31, hour: 2, minute: 30, second: 0, nanosecond: 0 };
  // 02:30 does not exist in Berlin that day.
  expect([parseGoTime("2024-03-31T00:30:00Z"), parseGoTime("2024-03-31T01:30:00Z")]).toContain(
    timeFromCalendar(calendar, "Europe/Berlin"),
  );
  const twice = { ...calendar, month: 10, day: 27 };
  expect([parseGoTime("2024-10-27T00:30:00Z"), parseGoTime("2024-10-27T01:30:00Z")]).toContain(
    timeFromCalendar(twice, "Europe/Berlin"),
  );
});

test("time zones that nobody knows are recognised", () => {
  expect(isTimeZone("Europe/Berlin")).toBe(true);
  expect(isTimeZone("UTC")).toBe(true);
  for (const name of ["Mars/Olympus", "", "../../etc/passwd"]) {
    expect(isTimeZone(name)).toBe(false);
    expect(() => formatLocalTimestamp(0n, name)).toThrow(RangeError);
  }
});

test("a moment outside gaps and overlaps is found again from its parts", () => {
  const zones = fc.constantFrom(
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Apia",
  );
  const range = {
    min: parseGoTime("1990-01-01T00:00:00Z"),
    max: parseGoTime("2036-01-01T00:00:00Z"),
  };
  fc.assert(
    fc.property(fc.bigInt(range), zones, (time, zone) => {
      const again = timeFromCalendar(zonedParts(time, zone), zone);
      const before = zonedParts(time - 86_400_000_000_000n, zone).offsetSeconds;
      const after = zonedParts(time + 86_400_000_000_000n, zone).offsetSeconds;
      fc.pre(before === after);
      expect(again).toBe(time);
    }),
    { numRuns: fuzzRuns(200) },
  );
});

test("a damaged time zone file gives a typed error", () => {
  const tables = (count: number): number[] => [
    0x54,
    0x5a,
    0x69,
    0x66,
    0x32,
    ...Array<number>(15).fill(0),
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    count,
    0,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    4,
  ];
  const damaged = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc
      .tuple(fc.nat(255), fc.uint8Array({ maxLength: 200 }))
      .map(([count, rest]) => new Uint8Array([...tables(count), ...rest])),
  );
  fc.assert(
    fc.property(damaged, (bytes) => {
      try {
        parseZoneFile(bytes);
      } catch (error) {
        if (!isKopiaError(error, "LIMIT_EXCEEDED")) throw error;
      }
    }),
    { numRuns: fuzzRuns(200) },
  );
});
