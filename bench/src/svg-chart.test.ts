import { expect, test } from "vitest";
import { barChart, lineChart } from "./svg-chart.ts";

test("a bar has its label, its number and its length", () => {
  const half = barChart("Wall", [{ label: "a < b & c", min: 0.4, median: 0.5, max: 0.6 }]);
  expect(half).toContain("a &lt; b &amp; c");
  expect(half).toContain(">0.50<");
  const width = (svg: string): number =>
    Number(/<rect x="330" y="48" width="([\d.]+)"/.exec(svg)?.[1]);
  const whole = barChart("Wall", [{ label: "a", min: 1, median: 1, max: 1 }]);
  expect(width(half) / width(whole)).toBeCloseTo(0.5, 2);
});

test("bars that are far too long are cut", () => {
  const svg = barChart("Kernels", [{ label: "a", min: 100, median: 100, max: 100 }]);
  expect(svg).toContain(">100.00<");
  expect(svg).not.toMatch(/[MHx]="?\d{5}/);
});

test("growth is drawn beside the diagonal", () => {
  const svg = lineChart("Growth", [
    {
      label: "files",
      points: [
        [1, 1],
        [2, 2],
        [4, 4],
        [8, 8],
      ],
    },
  ]);
  expect(svg).toContain(">8×<");
  expect(svg).toContain("files");
  expect(svg).not.toContain("NaN");
});
