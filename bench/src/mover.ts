import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@kopia-engine/kopia-format";
import { imageFirstOutputMs, moverFirstOutputMs } from "./first-output.ts";
import { writeManySnapshots } from "./many-snapshots.ts";
import { type MeasuredCommand, measureProcess } from "./measure-process.ts";
import { MemoryCgroup } from "./memory-cgroup.ts";
import { writeLargeFile, writeMixedTree } from "./seeded-tree.ts";
import type { Spread } from "./statistics.ts";

/** What is measured. */
export interface MoverBenchOptions {
  readonly directory: string;
  /** Part of 5 GB and of 200 sources with 31 snapshots each. */
  readonly scale: number;
  readonly limitBytes: number;
  /** The real program, driven as the original mover does it. */
  readonly kopiaExe: string | undefined;
  /** Tag of the mover's image, to measure its start too. */
  readonly image: string | undefined;
  /** Starts that are measured; 0 for none. */
  readonly startRounds: number;
  /** Runs the sources instead of the bundle. */
  readonly fromSource?: boolean;
}

/** One Job within the limit. */
export interface MoverRow {
  readonly mover: "engine" | "original";
  readonly job: "first backup" | "unchanged backup" | "maintenance";
  readonly exitCode: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** Of the largest process. */
  readonly peakMemoryBytes: number;
  readonly killCount: number;
  /** The end of the log when it failed. */
  readonly failure?: string;
}

/** All figures of a run of the bench. */
export interface MoverBenchResult {
  readonly rows: readonly MoverRow[];
  /** Milliseconds from the process's start to its first byte. */
  readonly firstOutputMs: { readonly bundle?: Spread; readonly image?: Spread };
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MIXED_FILES = 50_000;
const LARGE_FILES = 8;
const LARGE_BYTES = 500_000_000;
const SOURCES = 200;
const SNAPSHOTS = 31;
const PASSWORD = "bench";

/** Runs Jobs over a large source and a repository of many snapshots, each within a memory limit of its own. */
export async function runMoverBench(
  options: MoverBenchOptions,
  onLine: (line: string) => void,
): Promise<MoverBenchResult> {
  const { directory, scale, startRounds, image } = options;
  // Refuses before minutes are spent on data.
  new MemoryCgroup("kopia-engine-bench-trial", options.limitBytes)[Symbol.dispose]();
  const data = join(directory, "data");
  writeSource(data, scale);
  await writeManySnapshots({
    path: join(directory, "repository"),
    password: PASSWORD,
    scratch: join(directory, "small"),
    sourceCount: Math.max(1, Math.round(SOURCES * scale)),
    snapshotCount: SNAPSHOTS,
    newestTime: systemClock.now(),
  });
  const rows: MoverRow[] = [];
  for (const mover of options.kopiaExe === undefined
    ? (["engine"] as const)
    : (["engine", "original"] as const)) {
    for await (const row of runJobs(mover, data, options)) {
      rows.push(row);
      onLine(describeRow(row));
    }
  }
  if (startRounds === 0) return { rows, firstOutputMs: {} };
  const bundle = await moverFirstOutputMs(startRounds);
  onLine(describeStart("bundle", bundle));
  if (image === undefined) return { rows, firstOutputMs: { bundle } };
  const ofImage = imageFirstOutputMs(image, startRounds);
  onLine(describeStart("image", ofImage));
  return { rows, firstOutputMs: { bundle, image: ofImage } };
}

function writeSource(data: string, scale: number): void {
  writeMixedTree(join(data, "mixed"), { count: Math.ceil(MIXED_FILES * scale), seed: 8 });
  for (let index = 0; index < LARGE_FILES; index++)
    writeLargeFile(join(data, `large-${index}`), {
      lengthBytes: Math.round(LARGE_BYTES * scale),
      compressible: index % 2 === 0,
      seed: 80 + index,
    });
}

async function* runJobs(
  mover: MoverRow["mover"],
  data: string,
  options: MoverBenchOptions,
): AsyncGenerator<MoverRow> {
  const home = join(options.directory, mover);
  mkdirSync(join(home, "cache"), { recursive: true });
  cpSync(join(options.directory, "repository"), join(home, "repository"), {
    recursive: true,
    preserveTimestamps: true,
  });
  const jobs = [
    ["first backup", "backup"],
    ["unchanged backup", "backup"],
    ["maintenance", "maintenance"],
  ] as const;
  for (const [job, word] of jobs) {
    using group = new MemoryCgroup(`kopia-engine-bench-${process.pid}`, options.limitBytes);
    const command = commandOf(mover, word, { home, data, options });
    const measured = await measureProcess(group.limit(command));
    const { exitCode, wallSeconds, cpuSeconds, peakMemoryBytes, stdout, stderr } = measured;
    const failure = exitCode === 0 ? {} : { failure: (stdout + stderr).slice(-1500) };
    const { killCount } = group;
    const figures = { exitCode, wallSeconds, cpuSeconds, peakMemoryBytes, killCount };
    yield { mover, job, ...figures, ...failure };
  }
  rmSync(home, { recursive: true });
}

interface JobPlace {
  readonly home: string;
  readonly data: string;
  readonly options: MoverBenchOptions;
}

function commandOf(
  mover: MoverRow["mover"],
  word: string,
  { home, data, options }: JobPlace,
): MeasuredCommand {
  const env = {
    PATH: process.env["PATH"],
    DATA_DIR: data,
    KOPIA_CACHE_DIR: join(home, "cache"),
    KOPIA_PASSWORD: PASSWORD,
    KOPIA_REPOSITORY: `filesystem://${join(home, "repository")}`,
    KOPIA_OVERRIDE_USERNAME: "atuin-src",
    KOPIA_OVERRIDE_HOSTNAME: "default",
    KOPIA_COMPRESSION: "zstd-fastest",
    KOPIA_RETAIN_HOURLY: "24",
    KOPIA_RETAIN_DAILY: "7",
    // As the operator computes them for a cache of 5 GiB (spec 4 §1.7).
    KOPIA_CACHE_CAPACITY_BYTES: "5368709120",
    KOPIA_METADATA_CACHE_SIZE_LIMIT_MB: "3584",
    KOPIA_CONTENT_CACHE_SIZE_LIMIT_MB: "1024",
  };
  if (mover === "original")
    return {
      command: join(ROOT, "packages/mover/test/original/original-commands.sh"),
      args: [word],
      env: { ...env, KOPIA_EXE: options.kopiaExe },
    };
  const ours = options.fromSource === true ? env : { ...env, KOPIA_ENGINE_BUNDLE: "1" };
  return {
    command: join(ROOT, "bin/mover"),
    args: word === "maintenance" ? [] : [word],
    env: word === "maintenance" ? { ...ours, DIRECTION: word } : ours,
  };
}

function describeRow(row: MoverRow): string {
  return [
    row.mover.padEnd(9),
    row.job.padEnd(17),
    `${row.wallSeconds.toFixed(2).padStart(8)} s`,
    `(CPU ${row.cpuSeconds.toFixed(2)} s)`,
    `${Math.round(row.peakMemoryBytes / 2 ** 20)} MiB`,
    row.exitCode === 0 ? "" : `EXIT CODE ${row.exitCode}, ${row.killCount} killed`,
  ]
    .join(" ")
    .trimEnd();
}

function describeStart(name: string, { min, median }: Spread): string {
  return `first byte of the ${name}: ${min.toFixed(0)} ms at best, ${median.toFixed(0)} ms in the median`;
}
