import fc from "fast-check";
import { expect, test } from "vitest";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { formatGoDuration, parseGoDuration } from "./go-duration.ts";

test("durations print as Go prints them", () => {
  for (const [ns, text] of [
    [0n, "0s"],
    [1n, "1ns"],
    [1_100n, "1.1µs"],
    [2_200_000n, "2.2ms"],
    [3_300_000_000n, "3.3s"],
    [5_000_000_000n, "5s"],
    [60_000_000_000n, "1m0s"],
    [245_000_000_000n, "4m5s"],
    [245_001_000_000n, "4m5.001s"],
    [18_367_001_000_000n, "5h6m7.001s"],
    [3_600_000_000_000n, "1h0m0s"],
    [-90_000_000_000n, "-1m30s"],
    [2n ** 63n - 1n, "2562047h47m16.854775807s"],
    [-(2n ** 63n), "-2562047h47m16.854775808s"],
  ] as const) {
    expect(formatGoDuration(ns)).toBe(text);
  }
});

test("durations parse as Go parses them", () => {
  for (const [text, ns] of [
    ["0", 0n],
    ["1h30m", 5_400_000_000_000n],
    ["-1.5s", -1_500_000_000n],
    ["+5s", 5_000_000_000n],
    [".5s", 500_000_000n],
    ["1.s", 1_000_000_000n],
    ["10.5s4m", 250_500_000_000n],
    ["12us", 12_000n],
    ["12µs", 12_000n],
    ["12μs", 12_000n],
    ["39h9m14.425s", 140_954_425_000_000n],
    ["0.100000000000000000000h", 360_000_000_000n],
  ] as const) {
    expect(parseGoDuration(text), text).toBe(ns);
  }
});

test("what Go refuses is no duration", () => {
  for (const text of [
    "",
    "3",
    "-",
    "s",
    ".",
    "-.",
    ".s",
    "+.s",
    "1d",
    "1 h",
    "1h 2m",
    "--1s",
    "1e3s",
    "3000000h",
    `${"9".repeat(40)}h`,
  ]) {
    expect(parseGoDuration(text), text).toBeUndefined();
  }
});

test("every duration is read back", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }), (ns) => {
      expect(parseGoDuration(formatGoDuration(ns))).toBe(ns);
    }),
    { numRuns: fuzzRuns(300) },
  );
});
