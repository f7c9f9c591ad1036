import { isKopiaError } from "@kopia-engine/kopia-format";
import { expect, test } from "vitest";
import { snapshotTimeLimit } from "./snapshot-time.ts";

// Local noon of 2024-03-15, whatever the zone of the machine.
const NOW_MS = new Date(2024, 2, 15, 12).getTime();
const localNs = (...parts: [number, number, number?, number?, number?, number?]): bigint =>
  BigInt(new Date(parts[0], parts[1] - 1, ...parts.slice(2)).getTime()) * 1_000_000n;

test.each<[string, bigint | undefined]>([
  ["latest", undefined],
  ["oldest", undefined],
  ["yesterday", localNs(2024, 3, 15)],
  ["last-month", localNs(2024, 3, 1)],
  ["last-year", localNs(2024, 1, 1)],
  ["3d-ago", localNs(2024, 3, 13)],
  ["1mo-ago", localNs(2024, 2, 16)],
  ["1y-2mo-3d-ago", localNs(2023, 1, 13)],
  ["2023", localNs(2024, 1, 1)],
  ["2023-12", localNs(2024, 1, 1)],
  ["2023-2", localNs(2023, 3, 1)],
  ["2023-02-28", localNs(2023, 3, 1)],
  ["2023-02-28 13", localNs(2023, 2, 28, 14)],
  ["2023-02-28 13:59", localNs(2023, 2, 28, 14, 0)],
  ["2023-02-28 13:59:59", localNs(2023, 2, 28, 14, 0, 0)],
  ["2023-02-28T13:59:30Z", BigInt(Date.UTC(2023, 1, 28, 13, 59, 31)) * 1_000_000n],
  ["2023-02-28 13:59:30 +01:00", BigInt(Date.UTC(2023, 1, 28, 12, 59, 31)) * 1_000_000n],
])("%s", (text, expected) => {
  expect(snapshotTimeLimit(text, NOW_MS)).toBe(expected);
});

test.each([
  "ago",
  "tomorrow",
  "2023-13",
  "2023-00-01",
  "2023-02-28 24",
  "23",
  "x3d-ago",
  "2023-1-1-1",
])("%j is refused", (text) => {
  expect(() => snapshotTimeLimit(text, NOW_MS)).toThrow(/Invalid time spec: /);
  try {
    snapshotTimeLimit(text, NOW_MS);
  } catch (error) {
    expect(isKopiaError(error, "ARGUMENT_INVALID")).toBe(true);
  }
});
