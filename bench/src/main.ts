import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { drawCharts } from "./charts.ts";
import { existingSource, generatedSources, type FlowSource } from "./flow-sources.ts";
import { formatFlows } from "./format-flows.ts";
import { runFlows } from "./flows.ts";
import { runKernels, type KernelRow } from "./kernels.ts";
import { runMaintenanceBench } from "./maintenance.ts";
import { runMoverBench } from "./mover.ts";
import { buildBundle } from "./program.ts";
import { FLOW_RESULTS, saveResult } from "./results.ts";
import { runScale } from "./scale.ts";

const HELP = `usage: npx -y pnpm@12 bench <what> [flags]

  kernels [FILTER]   splitters, hashes, ciphers, compressors, error correction, index lookups, as
                     \`kopia benchmark …\` measures them; rows whose name holds FILTER
  flows [TREE…]      whole commands: first backup, no change, verification, restore, list; of generated
                     trees, and of directories that are named (their absolute paths)
  scale              1, 2, 4 and 8 times the files, bytes and contents with the slope of growth; opening
                     made-up repositories of millions of contents and thousands of index blobs
  maintenance        maintains, verifies, examines and repairs made-up repositories of a million contents:
                     with one index blob, with a compaction due, and with a lost index
  mover              Jobs of the mover within a memory limit: a first and an unchanged backup of 5 GB into
                     a repository of 200 sources with 31 snapshots each, and maintenance; needs root and
                     cgroups; then the time from the start of the mover, and of the image that MOVER_IMAGE
                     names, to the first byte of its log
  charts             draws saved results as docs/performance/*.svg

With KOPIA_EXE=/path/to/kopia every row is measured in turn with the real program and told as a ratio,
and after each round the real program verifies every file that ours wrote.

  --directory PATH   where trees and repositories go, best a memory file system (default: temporary files)
  --rounds N         of flows (default 3)
  --only A,B         flows to run: small, large, random, mixed, million (default all but million);
                     of scale: files, bytes, contents (default all)
  --scale FACTOR     part of the full sizes (default 1); 0.01 to try things out
  --limit-mib N      of mover: the memory limit (default 256)
  --min-ms N         time for each kernel (default 300)

Results are saved as JSON below bench/results/. Linux with bash; the bundle is built first.`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: "boolean", short: "h", default: false },
    directory: { type: "string", default: tmpdir() },
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    scale: { type: "string", default: "1" },
    "limit-mib": { type: "string", default: "256" },
    "min-ms": { type: "string", default: "300" },
  },
});
const [what, ...rest] = positionals;
const kopiaExe = process.env["KOPIA_EXE"];
const scale = Number(values.scale);
const only = values.only === "" ? [] : values.only.split(",");

if (values.help) console.log(HELP);
else if (what === "kernels") await kernels(rest[0] ?? "");
else if (what === "flows") await flows(rest);
else if (what === "scale") await inDirectory(scaling);
else if (what === "maintenance") await inDirectory(maintenance);
else if (what === "mover") await inDirectory(mover);
else if (what === "charts") for (const path of drawCharts()) console.log(path);
else {
  console.error(HELP);
  process.exitCode = 2;
}

async function kernels(filter: string): Promise<void> {
  const rows: KernelRow[] = [];
  await runKernels({ minMs: Number(values["min-ms"]), kopiaExe, filter }, (row) => {
    rows.push(row);
    console.log(describeKernel(row));
  });
  if (filter === "") console.log(`saved as ${saveResult("kernels", rows)}`);
}

async function flows(trees: readonly string[]): Promise<void> {
  const generated = generatedSources(scale);
  const sources: FlowSource[] = trees.map(existingSource);
  const unknown = only.find((name) => !generated.some((source) => source.name === name));
  if (unknown !== undefined) throw new Error(`there is no flow ${unknown}; see --help`);
  if (trees.length === 0 || only.length > 0) {
    // A million files take minutes and gigabytes, so they have to be asked for.
    const isWanted = ({ name }: FlowSource): boolean =>
      only.length === 0 ? name !== "million" : only.includes(name);
    sources.push(...generated.filter(isWanted));
  }
  await inDirectory(async (directory) => {
    const rows = await runFlows({
      directory,
      rounds: Number(values.rounds),
      sources,
      kopiaExe,
      onLine: (line) => console.error(line),
    });
    for (const line of formatFlows(rows)) console.log(line);
    // One result for each, so that measuring one again leaves the others.
    for (const { name } of sources) {
      const own = rows.filter(({ flow }) => flow === name);
      console.log(`saved as ${saveResult(`${FLOW_RESULTS}${name}`, own)}`);
    }
  });
}

async function scaling(directory: string): Promise<void> {
  const onLine = (line: string): void => console.log(line);
  const result = await runScale({ directory, kopiaExe, scale, only, onLine });
  for (const { case: name, program, cpuSlope, memorySlope } of result.slopes) {
    console.log(
      `${name} · ${program}: slope of CPU seconds ${cpuSlope.toFixed(2)}, of memory ${memorySlope.toFixed(2)}`,
    );
  }
  console.log(`saved as ${saveResult("scale", result)}`);
}

async function maintenance(directory: string): Promise<void> {
  const contentCount = Math.round(1_000_000 * scale);
  const rounds = Number(values.rounds);
  await runMaintenanceBench({ directory, contentCount, rounds, kopiaExe }, (line) =>
    console.log(line),
  );
}

async function mover(directory: string): Promise<void> {
  const limitBytes = Number(values["limit-mib"]) * 2 ** 20;
  const image = process.env["MOVER_IMAGE"];
  const options = { directory, scale, limitBytes, kopiaExe, image, startRounds: 20 };
  const result = await runMoverBench(options, (line) => console.log(line));
  for (const { mover: name, job, failure } of result.rows)
    if (failure !== undefined) console.error(`${name}, ${job}, failed:\n${failure}`);
  console.log(`saved as ${saveResult("mover", result)}`);
}

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  buildBundle();
  const directory = mkdtempSync(join(values.directory, "kopia-engine-bench-"));
  try {
    await run(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function describeKernel(row: KernelRow): string {
  const isIndex = row.kind === "index";
  const speed = (perSecond: number): string =>
    `${(perSecond / 1e6).toFixed(isIndex ? 2 : 0).padStart(9)} ${isIndex ? "M/s " : "MB/s"}`;
  const ratio = isIndex
    ? `${(row.ratio ?? 0).toFixed(1)} B each`
    : `${(100 * (row.ratio ?? 0)).toFixed(1)}%`;
  const columns = [
    row.kind.padEnd(10),
    row.name.padEnd(48),
    speed(row.bytesPerSecond),
    (row.ratio === undefined ? "" : ratio).padStart(7),
  ];
  if (row.kopiaBytesPerSecond !== undefined) {
    const times = row.bytesPerSecond / row.kopiaBytesPerSecond;
    columns.push(`kopia ${speed(row.kopiaBytesPerSecond)}`, `× ${times.toFixed(2)}`);
  }
  return columns.join(" ");
}
