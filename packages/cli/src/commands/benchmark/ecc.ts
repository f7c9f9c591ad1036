import { REED_SOLOMON_CRC32, prepareKernel } from "@kopia-engine/kopia-format/benchmark";
import type { CommandContext } from "../../command-context.ts";
import { defineCommand } from "../../parser/command.ts";
import { blockFlags, type BlockFlagValues } from "./benchmark-flags.ts";
import { measureKernel } from "./measure-kernel.ts";
import { rowNumber } from "./print-table.ts";

const OVERHEADS_PERCENT = [1, 2, 5, 10, 20];
const ECC_RULE = "-".repeat(87);

interface EccRow {
  readonly name: string;
  readonly encodeBytesPerSecond: number;
  readonly decodeBytesPerSecond: number;
  readonly encodedBytes: number;
}

/** `benchmark ecc` (spec 3 §10). */
export const command = defineCommand({
  flags: blockFlags({ blockSize: "10MB", repeat: 100 }),
  arguments: {},
  async run(context, { flags }) {
    const rows: EccRow[] = [];
    for (const overheadPercent of OVERHEADS_PERCENT) {
      rows.push(await measureOverhead(context, flags, overheadPercent));
    }
    printRows(context, rows, flags);
  },
});

async function measureOverhead(
  { log }: CommandContext,
  flags: BlockFlagValues,
  overheadPercent: number,
): Promise<EccRow> {
  const { blockSize: blockBytes, repeat, parallel } = flags;
  const measure = async (operation: "encode" | "decode"): Promise<number> => {
    log.info(
      `Benchmarking ECC ${operation.slice(0, -1)}ing '${REED_SOLOMON_CRC32}' with ${overheadPercent} space overhead... (${repeat} x ${blockBytes} bytes, parallelism ${parallel})`,
    );
    return await measureKernel({ kind: "ecc", operation, overheadPercent, blockBytes }, flags);
  };
  const spec = { kind: "ecc", operation: "encode", overheadPercent, blockBytes } as const;
  return {
    name: `${REED_SOLOMON_CRC32} - ${overheadPercent}%`,
    encodeBytesPerSecond: await measure("encode"),
    decodeBytesPerSecond: await measure("decode"),
    encodedBytes: (await prepareKernel(spec)).outputBytes ?? 0,
  };
}

function printRows(
  { out, formatBytes }: CommandContext,
  rows: readonly EccRow[],
  { blockSize, printOptions }: BlockFlagValues,
): void {
  const slower = (row: EccRow): number =>
    Math.min(row.encodeBytesPerSecond, row.decodeBytesPerSecond);
  const sorted = rows.toSorted((a, b) => slower(b) - slower(a));
  const speed = (bytesPerSecond: number): string =>
    `${formatBytes(Math.round(bytesPerSecond)).padStart(12)}/s`;
  out.line("     ECC                                Throughput     Throughput       Growth");
  out.line("                                          Encoding       Decoding         ");
  out.line(ECC_RULE);
  for (const [number, row] of sorted.entries()) {
    const growth = String(Math.round((100 * row.encodedBytes) / blockSize - 100)).padStart(9);
    out.line(
      `${rowNumber(number)} ${row.name.padEnd(30)} ${speed(row.encodeBytesPerSecond)} ${speed(row.decodeBytesPerSecond)}` +
        `${growth}% [${formatBytes(row.encodedBytes)}]${printOptions ? `,   --ecc=${row.name}` : ""}`,
    );
  }
  out.line(ECC_RULE);
  out.line(`Fastest option for this machine is: --ecc=${sorted[0]?.name ?? ""}`);
}
