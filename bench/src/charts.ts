import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { comparedSteps, FIGURES, ratioSpread } from "./format-flows.ts";
import { generatedSources } from "./flow-sources.ts";
import type { FlowRow } from "./flows.ts";
import type { KernelRow } from "./kernels.ts";
import { FLOW_RESULTS, loadResult, savedNames } from "./results.ts";
import type { ScaleResult } from "./scale.ts";
import { barChart, lineChart, type Bar } from "./svg-chart.ts";

const DIRECTORY = fileURLToPath(new URL("../../docs/performance", import.meta.url));

/** Draws all saved results that compare; returns the files written. */
export function drawCharts(): string[] {
  const charts = new Map<string, string>();
  const flows = flowNames().flatMap(
    (name) => loadResult<FlowRow[]>(`${FLOW_RESULTS}${name}`)?.rows ?? [],
  );
  for (const { label, of } of FIGURES.slice(0, 3)) {
    const bars = comparedSteps(flows).flatMap((compared): Bar[] => {
      const ratio = ratioSpread(compared, of);
      const { flow, step } = compared.ours;
      return ratio === undefined ? [] : [{ label: `${flow}: ${step}`, ...ratio }];
    });
    const title = `${label.replace(/ \S+$/, "")}: ours ÷ Kopia (shorter is better)`;
    if (bars.length > 0)
      charts.set(`flows-${label.split(" ")[0]?.toLowerCase()}`, barChart(title, bars));
  }
  const kernels = loadResult<KernelRow[]>("kernels")?.rows ?? [];
  const kernelBars = kernels.flatMap((row): Bar[] => {
    if (row.kopiaBytesPerSecond === undefined || row.kind === "crypto") return [];
    if (row.name.startsWith("FIXED")) return [];
    const ratio = row.bytesPerSecond / row.kopiaBytesPerSecond;
    return [{ label: `${row.kind} ${row.name}`, min: ratio, median: ratio, max: ratio }];
  });
  if (kernelBars.length > 0) {
    charts.set(
      "kernels",
      barChart("Throughput of kernels: ours ÷ Kopia (longer is better)", kernelBars),
    );
  }
  const points = loadResult<ScaleResult>("scale")?.rows.points ?? [];
  const ours = points.filter(({ program }) => program === "engine");
  if (ours.length > 0) {
    const series = [...new Set(ours.map((point) => point.case))].map((name) => {
      const own = ours.filter((point) => point.case === name);
      const base = own[0]?.cpuSeconds ?? 1;
      return {
        label: name,
        points: own.map(({ size, cpuSeconds }) => [size, cpuSeconds / base] as const),
      };
    });
    charts.set("scale", lineChart("CPU seconds by size, 1 × = 1 (ours)", series));
  }
  mkdirSync(DIRECTORY, { recursive: true });
  for (const [name, svg] of charts) writeFileSync(`${DIRECTORY}/${name}.svg`, svg);
  return [...charts.keys()].map((name) => `docs/performance/${name}.svg`);
}

/** Flows with saved results: the generated ones in their order, then others. */
function flowNames(): readonly string[] {
  const generated = generatedSources(1).map(({ name }) => name);
  const saved = savedNames(FLOW_RESULTS).map((name) => name.slice(FLOW_RESULTS.length));
  const others = saved.filter((name) => !generated.includes(name));
  return [...generated.filter((name) => saved.includes(name)), ...others];
}
