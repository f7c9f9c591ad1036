import { ENCRYPTION_NAMES, HASH_NAMES } from "@kopia-engine/kopia-format";
import { defineCommand } from "../../parser/command.ts";
import { blockFlags } from "./benchmark-flags.ts";
import { compareNames } from "./hashing.ts";
import { measureKernel } from "./measure-kernel.ts";
import { printTable, type BenchmarkRow } from "./print-table.ts";

/** `benchmark crypto` (spec 3 §10): hash, then encrypt. */
export const command = defineCommand({
  flags: blockFlags({ blockSize: "1MB", repeat: 100 }),
  arguments: {},
  async run(context, { flags }) {
    const { blockSize: blockBytes, repeat, parallel, printOptions } = flags;
    const rows: BenchmarkRow[] = [];
    for (const hash of HASH_NAMES.toSorted(compareNames)) {
      for (const encryption of ENCRYPTION_NAMES) {
        context.log.info(
          `Benchmarking hash '${hash}' and encryption '${encryption}'... (${repeat} x ${blockBytes} bytes, parallelism ${parallel})`,
        );
        const spec = { kind: "crypto", hash, encryption, blockBytes } as const;
        rows.push({
          label: `${hash.padEnd(20)} ${encryption.padEnd(30)} `,
          bytesPerSecond: await measureKernel(spec, flags),
          options: `--block-hash=${hash} --encryption=${encryption}`,
        });
      }
    }
    const heading = "Hash                 Encryption                     ";
    printTable(context, rows, { heading, printOptions });
  },
});
