import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";
import { COMPRESSOR_NAMES } from "@kopia-engine/kopia-format";
import { prepareKernel, type Kernel } from "@kopia-engine/kopia-format/benchmark";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import {
  booleanFlag,
  choiceFlag,
  countFlag,
  textFlag,
  type FlagValues,
} from "../../parser/flag.ts";
import { UsageError } from "../../parser/usage-error.ts";
import { commonFlags } from "./benchmark-flags.ts";
import { measureKernel } from "./measure-kernel.ts";
import { rowNumber } from "./print-table.ts";

/** So much of the file is used, and so much is compressed by every compressor. */
const MAX_DATA_BYTES = 2 ** 27;
/** Usable, but not offered (spec 2 §3). */
const DEPRECATED: ReadonlySet<string> = new Set(["zstd-best-compression"]);
const COMPRESSION_RULE = "-".repeat(96);

const flags = {
  repeat: countFlag("repeat", { help: "Number of repetitions; 0: 128 MiB in all", default: 0 }),
  dataFile: textFlag("data-file", { help: "File to compress", required: true }),
  bySize: booleanFlag("by-size", { help: "Sort by size" }),
  byAlloc: booleanFlag("by-alloc", { help: "Sort by allocated bytes", unavailable: true }),
  operations: choiceFlag("operations", {
    help: "What to measure",
    choices: ["compress", "decompress", "both"],
    default: "both",
  }),
  verifyStable: booleanFlag("verify-stable", { help: "Fail when two results differ" }),
  deprecated: booleanFlag("deprecated", { help: "Deprecated compressors too" }),
  algorithms: textFlag("algorithms", { help: "Beginnings of names, with commas between" }),
  ...commonFlags,
};
type CompressionFlags = FlagValues<typeof flags>;
type Operation = "compress" | "decompress";

interface CompressionRow {
  readonly name: string;
  readonly packedBytes: number;
  readonly bytesPerSecond: number;
}

/** `benchmark compression` (spec 3 §10). Allocations are not counted: JavaScript does not tell them. */
export const command = defineCommand({
  flags,
  arguments: {},
  async run(context, { flags: values }) {
    const { dataFile = "", operations } = values;
    const data = readStart(resolve(context.io.cwd, dataFile), dataFile);
    const repeat = values.repeat > 0 ? values.repeat : repetitionsFor(data.length);
    const total = context.formatBytes(repeat * data.length);
    context.log.info(
      `Will repeat each benchmark ${repeat} times per compression method (total ${total}). Override with --repeat=N.`,
    );
    for (const operation of ["compress", "decompress"] as const) {
      if (operations !== "both" && operations !== operation) continue;
      await measureAll(context, values, { operation, data, repeat });
    }
  },
});

async function measureAll(
  context: CommandContext,
  values: CompressionFlags,
  work: { readonly operation: Operation; readonly data: Uint8Array; readonly repeat: number },
): Promise<void> {
  const { operation, data, repeat } = work;
  const names = chosenNames(values);
  const size = context.formatBytes(data.length);
  context.log.info(
    `${operation === "compress" ? "Compressing" : "Decompressing"} input file "${values.dataFile}" (${size}) using ${names.length} compression methods.`,
  );
  const rows: CompressionRow[] = [];
  for (const compressor of names) {
    context.log.info(`Benchmarking ${operation}or '${compressor}'...`);
    const spec = { kind: "compression", operation, compressor, data } as const;
    const kernel = await prepareKernel(spec);
    if (values.verifyStable) assertStable(compressor, kernel);
    rows.push({
      name: compressor,
      packedBytes: kernel.outputBytes ?? 0,
      bytesPerSecond: await measureKernel(spec, { repeat, parallel: values.parallel }),
    });
  }
  printRows(context, rows, values);
}

function assertStable(name: string, kernel: Kernel): void {
  const [first, second] = [kernel.output?.(), kernel.output?.()];
  if (first === undefined || second === undefined) return;
  if (Buffer.compare(first, second) !== 0) {
    throw new CommandError(`compressor ${name} gives another result each time`);
  }
}

function chosenNames({ algorithms, deprecated }: CompressionFlags): readonly string[] {
  if (algorithms === undefined || algorithms === "") {
    return COMPRESSOR_NAMES.filter((name) => deprecated || !DEPRECATED.has(name));
  }
  const beginnings = algorithms.split(",");
  return COMPRESSOR_NAMES.filter((name) => beginnings.some((start) => name.startsWith(start)));
}

function printRows(
  { out, formatBytes }: CommandContext,
  rows: readonly CompressionRow[],
  { bySize, printOptions }: CompressionFlags,
): void {
  const sorted = rows.toSorted((a, b) =>
    bySize ? a.packedBytes - b.packedBytes : b.bytesPerSecond - a.bytesPerSecond,
  );
  out.line("     Compression                Compressed   Throughput   Allocs   Memory Usage");
  out.line(COMPRESSION_RULE);
  for (const [number, { name, packedBytes, bytesPerSecond }] of sorted.entries()) {
    const size = formatBytes(packedBytes).padEnd(12);
    const speed = formatBytes(Math.round(bytesPerSecond)).padStart(8);
    const note = DEPRECATED.has(name) ? " (deprecated)" : "";
    const options = printOptions ? `, --compression=${name}` : "";
    out.line(
      `${rowNumber(number)} ${name.padEnd(26)} ${size} ${speed}/s     ${"-".padEnd(8)} -${note}${options}`,
    );
  }
}

function readStart(path: string, shownPath: string): Uint8Array {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new UsageError(`path '${shownPath}' does not exist`);
  }
  try {
    const data = new Uint8Array(Math.min(fstatSync(file).size, MAX_DATA_BYTES));
    let done = 0;
    while (done < data.length) {
      const got = readSync(file, data, done, data.length - done, done);
      if (got === 0) break;
      done += got;
    }
    return data.subarray(0, done);
  } finally {
    closeSync(file);
  }
}

function repetitionsFor(lengthBytes: number): number {
  return Math.max(1, Math.floor(MAX_DATA_BYTES / Math.max(1, lengthBytes)));
}
