import { SPLITTER_NAMES } from "@kopia-engine/kopia-format";
import { prepareKernel } from "@kopia-engine/kopia-format/benchmark";
import type { CommandContext } from "../../command-context.ts";
import { defineCommand } from "../../parser/command.ts";
import { byteSizeFlag, countFlag, integerFlag } from "../../parser/flag.ts";
import { formatByteSize } from "../../parser/values.ts";
import { commonFlags } from "./benchmark-flags.ts";
import { measureKernel } from "./measure-kernel.ts";
import { RULE, rowNumber } from "./print-table.ts";

interface SplitterRow {
  readonly name: string;
  readonly bytesPerSecond: number;
  /** Count and percentiles of the segments. */
  readonly segments: string;
}

const PERCENTILES = [10, 25, 50, 75, 90];

/** `benchmark splitter` (spec 3 §10). Its random data are not those of Kopia, so the segments are others. */
export const command = defineCommand({
  flags: {
    randSeed: integerFlag("rand-seed", { help: "Random seed", default: 42 }),
    dataSize: byteSizeFlag("data-size", { help: "Size of a block to split", default: "32MB" }),
    blockCount: countFlag("block-count", { help: "Number of blocks to split", default: 16 }),
    ...commonFlags,
  },
  arguments: {},
  async run(context, { flags }) {
    const { randSeed: seed, dataSize: blockBytes, blockCount, parallel } = flags;
    context.log.info(
      `splitting ${blockCount} blocks of ${formatByteSize(blockBytes)} each, parallelism ${parallel}`,
    );
    const rows: SplitterRow[] = [];
    for (const splitter of SPLITTER_NAMES) {
      const spec = { kind: "splitter", splitter, seed, blockCount, blockBytes } as const;
      const bytesPerSecond = await measureKernel(spec, { repeat: 1, parallel });
      const lengths = (await prepareKernel(spec)).segmentLengths?.() ?? [];
      const row = { name: splitter, bytesPerSecond, segments: describeSegments(lengths) };
      rows.push(row);
      const speed = context.formatBytes(Math.round(bytesPerSecond)).padStart(12);
      context.out.line(`${splitter.padEnd(25)} ${speed}/s ${row.segments}`);
      await context.out.flush();
    }
    printSorted(context, rows, flags.printOptions);
  },
});

function printSorted(
  { out, formatBytes }: CommandContext,
  rows: readonly SplitterRow[],
  printOptions: boolean,
): void {
  const sorted = rows.toSorted((a, b) => b.bytesPerSecond - a.bytesPerSecond);
  out.line(RULE);
  for (const [number, { name, bytesPerSecond, segments }] of sorted.entries()) {
    const speed = formatBytes(Math.round(bytesPerSecond)).padEnd(12);
    out.line(`${rowNumber(number)} ${name.padEnd(25)} ${speed}/s ${segments}`);
  }
  if (!printOptions) return;
  // Fixed splitters have no peers in speed, but find nothing again after an insertion.
  const fastest = sorted.find(({ name }) => name.startsWith("DYNAMIC-"));
  out.line(`Fastest option for this machine is: --object-splitter=${fastest?.name ?? ""}`);
}

function describeSegments(lengths: readonly number[]): string {
  const sorted = lengths.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[Math.min(index, sorted.length - 1)] ?? 0;
  const percentiles = PERCENTILES.map(
    (percent) => `${percent}th:${at(Math.floor((sorted.length * percent) / 100))}`,
  );
  return `count:${sorted.length} min:${at(0)} ${percentiles.join(" ")} max:${at(sorted.length - 1)}`;
}
