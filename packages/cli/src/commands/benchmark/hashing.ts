import { HASH_NAMES } from "@kopia-engine/kopia-format";
import { defineCommand } from "../../parser/command.ts";
import { blockFlags } from "./benchmark-flags.ts";
import { measureKernel } from "./measure-kernel.ts";
import { printTable, type BenchmarkRow } from "./print-table.ts";

/** `benchmark hashing` (spec 3 §10). */
export const command = defineCommand({
  flags: blockFlags({ blockSize: "1MB", repeat: 100 }),
  arguments: {},
  async run(context, { flags }) {
    const { blockSize: blockBytes, repeat, parallel, printOptions } = flags;
    const rows: BenchmarkRow[] = [];
    for (const hash of HASH_NAMES.toSorted(compareNames)) {
      context.log.info(
        `Benchmarking hash '${hash}' (${repeat} x ${blockBytes} bytes, parallelism ${parallel})`,
      );
      rows.push({
        label: `${hash.padEnd(20)} `,
        bytesPerSecond: await measureKernel({ kind: "hashing", hash, blockBytes }, flags),
        options: `--block-hash=${hash}`,
      });
    }
    printTable(context, rows, { heading: "Hash                 ", printOptions });
  },
});

/** Plain order of names. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
