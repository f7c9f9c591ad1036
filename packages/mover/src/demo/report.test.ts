import { expect, test } from "vitest";
import { formatBytes, formatTable } from "./report.ts";

test("bytes are printed for people", () => {
  expect([0, 999, 1000, 1_500_000, 2e13].map(formatBytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 KB",
    "1.5 MB",
    "20.0 TB",
  ]);
});

test("the table lines up and states its ratios", () => {
  const row = {
    name: "first",
    fileCount: 3,
    totalBytes: 300,
    storedBytes: 60,
    contents: { originalBytes: 200, storedBytes: 50 },
    seconds: 1.24,
    peakMemoryBytes: undefined,
  };
  expect(formatTable([row])).toEqual([
    "   backup  files  bytes  stored  dedup  compression  seconds  peak memory",
    "   first       3  300 B    60 B  1.50×        4.00×      1.2            -",
  ]);
});
