import { ENCRYPTION_NAMES } from "@kopia-engine/kopia-format";
import { defineCommand } from "../../parser/command.ts";
import { blockFlags } from "./benchmark-flags.ts";
import { measureKernel } from "./measure-kernel.ts";
import { printTable, type BenchmarkRow } from "./print-table.ts";

/** `benchmark encryption` (spec 3 §10). */
export const command = defineCommand({
  flags: blockFlags({ blockSize: "1MB", repeat: 1000 }),
  arguments: {},
  async run(context, { flags }) {
    const { blockSize: blockBytes, repeat, parallel, printOptions } = flags;
    const rows: BenchmarkRow[] = [];
    for (const encryption of ENCRYPTION_NAMES) {
      context.log.info(
        `Benchmarking encryption '${encryption}'... (${repeat} x ${blockBytes} bytes, parallelism ${parallel})`,
      );
      rows.push({
        label: `${encryption.padEnd(30)} `,
        bytesPerSecond: await measureKernel({ kind: "encryption", encryption, blockBytes }, flags),
        options: `--encryption=${encryption}`,
      });
    }
    printTable(context, rows, { heading: "Encryption                     ", printOptions });
  },
});
