import type { FlowRow, RunFigures } from "./flows.ts";
import { spreadOf, type Spread } from "./statistics.ts";

/** What is compared, in the order of the columns. */
export const FIGURES: readonly {
  readonly label: string;
  readonly digits: number;
  readonly of: (run: RunFigures) => number;
}[] = [
  { label: "wall s", digits: 2, of: ({ wallSeconds }) => wallSeconds },
  { label: "CPU s", digits: 2, of: ({ cpuSeconds }) => cpuSeconds },
  { label: "peak MiB", digits: 0, of: ({ peakMemoryBytes }) => peakMemoryBytes / 2 ** 20 },
  { label: "read MB", digits: 0, of: ({ readBytes }) => readBytes / 1e6 },
  { label: "written MB", digits: 0, of: ({ writtenBytes }) => writtenBytes / 1e6 },
];

/** One step of ours, beside the same of the real program. */
export interface ComparedStep {
  readonly ours: FlowRow;
  readonly theirs: FlowRow | undefined;
}

/** The rows of ours, each with its counterpart. */
export function comparedSteps(rows: readonly FlowRow[]): ComparedStep[] {
  return rows
    .filter(({ program }) => program === "engine")
    .map((ours) => ({
      ours,
      theirs: rows.find(
        ({ flow, step, program }) =>
          flow === ours.flow && step === ours.step && program === "kopia",
      ),
    }));
}

/** Ratios ours / theirs, one for each round in which both ran. */
export function ratioSpread(
  { ours, theirs }: ComparedStep,
  of: (run: RunFigures) => number,
): Spread | undefined {
  if (theirs === undefined) return undefined;
  const ratios = ours.runs.flatMap((run, round) => {
    const other = theirs.runs[round];
    return other === undefined || of(other) === 0 ? [] : [of(run) / of(other)];
  });
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}

/** A Markdown table a flow: median of ours / theirs, then the ratio with its smallest and largest value. */
export function formatFlows(rows: readonly FlowRow[]): string[] {
  const lines: string[] = [];
  let flow = "";
  for (const compared of comparedSteps(rows)) {
    const { ours, theirs } = compared;
    if (ours.flow !== flow) {
      flow = ours.flow;
      const labels = FIGURES.map(({ label }) => label).join(" | ");
      lines.push("", `| ${ours.title} | ${labels} |`, `|---|${"---|".repeat(FIGURES.length)}`);
    }
    const cells = FIGURES.map(({ of, digits }) => cell(compared, of, digits));
    lines.push(`| ${ours.step} | ${cells.join(" | ")} |`);
    const [mine, other] = [ours.repositoryBytes, theirs?.repositoryBytes];
    if (mine === undefined || other === undefined) continue;
    const ratio = spreadOf(mine).median / spreadOf(other).median;
    const megabytes = (bytes: readonly number[]): string =>
      (spreadOf(bytes).median / 1e6).toFixed(1);
    lines.push(
      `| size written | ${megabytes(mine)} / ${megabytes(other)} MB = ${ratio.toFixed(3)} |`,
    );
  }
  return lines;
}

function cell(compared: ComparedStep, of: (run: RunFigures) => number, digits: number): string {
  const mine = spreadOf(compared.ours.runs.map(of)).median.toFixed(digits);
  const ratio = ratioSpread(compared, of);
  if (ratio === undefined || compared.theirs === undefined) return mine;
  const theirs = spreadOf(compared.theirs.runs.map(of)).median.toFixed(digits);
  const range = `${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}`;
  return `${mine} / ${theirs} = ${ratio.median.toFixed(2)} (${range})`;
}
