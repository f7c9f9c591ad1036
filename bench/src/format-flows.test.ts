import { expect, test } from "vitest";
import type { FlowRow, RunFigures } from "./flows.ts";
import { comparedSteps, formatFlows, ratioSpread } from "./format-flows.ts";

function run(wallSeconds: number): RunFigures {
  return { wallSeconds, cpuSeconds: 1, peakMemoryBytes: 2 ** 20, readBytes: 0, writtenBytes: 1e6 };
}

const base = { flow: "small", title: "small files", step: "first backup" } as const;
const rows: FlowRow[] = [
  { ...base, program: "engine", runs: [run(1), run(2), run(3)], repositoryBytes: [100] },
  { ...base, program: "kopia", runs: [run(2), run(8), run(4)], repositoryBytes: [200] },
];

test("ratios are taken round by round", () => {
  const [compared] = comparedSteps(rows);
  expect(compared && ratioSpread(compared, ({ wallSeconds }) => wallSeconds)).toEqual({
    min: 0.25,
    median: 0.5,
    max: 0.75,
  });
});

test("the table shows medians, the ratio and its range; nothing is divided by zero", () => {
  const table = formatFlows(rows).join("\n");
  expect(table).toContain("| first backup | 2.00 / 4.00 = 0.50 (0.25–0.75) | 1.00 / 1.00 = 1.00");
  expect(table).toContain("| 0 | 1 / 1 = 1.00 (1.00–1.00) |");
  expect(table).toContain("| size written | 0.0 / 0.0 MB = 0.500 |");
  expect(formatFlows(rows.slice(0, 1)).join("\n")).toContain("| first backup | 2.00 | 1.00 | 1 |");
});
