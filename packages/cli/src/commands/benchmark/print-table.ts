import type { CommandContext } from "../../command-context.ts";

/** Lines under headings and tables. */
export const RULE = "-".repeat(65);

/** A row that can be sorted by its speed. */
export interface BenchmarkRow {
  readonly bytesPerSecond: number;
  /** What stands between the number of the row and the throughput. */
  readonly label: string;
  /** Flags that choose this algorithm. */
  readonly options: string;
}

/** Prints rows, fastest first, and which one that is. */
export function printTable(
  { out, formatBytes }: CommandContext,
  rows: readonly BenchmarkRow[],
  table: { readonly heading: string; readonly printOptions: boolean },
): void {
  const sorted = rows.toSorted((a, b) => b.bytesPerSecond - a.bytesPerSecond);
  out.line(`     ${table.heading}Throughput`);
  out.line(RULE);
  for (const [number, { label, bytesPerSecond, options }] of sorted.entries()) {
    const tail = table.printOptions ? `,   ${options}` : "";
    out.line(
      `${rowNumber(number)} ${label}${formatBytes(Math.round(bytesPerSecond))} / second${tail}`,
    );
  }
  out.line(RULE);
  out.line(`Fastest option for this machine is: ${sorted[0]?.options ?? ""}`);
}

/** Number of a row, as all tables print it. */
export function rowNumber(number: number): string {
  return `${String(number).padStart(3)}.`;
}
