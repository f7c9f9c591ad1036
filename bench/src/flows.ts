import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type MeasuredCommand,
  type ProcessMeasurement,
  measureProcess,
} from "./measure-process.ts";
import { writeLargeFile, writeSmallFiles } from "./seeded-tree.ts";

/** Sizes of the flows; everything is generated from fixed seeds. */
export interface FlowOptions {
  /** Directory for trees and repositories, best on a memory file system. */
  readonly directory: string;
  readonly rounds: number;
  readonly smallFileCount: number;
  readonly largeFileBytes: number;
  /** The real program, for ratios; without it our figures stand alone. */
  readonly kopiaExe: string | undefined;
}

/** Measurements of one case by one program, one for each round. */
export interface FlowRow {
  readonly flow: string;
  readonly step: string;
  readonly program: string;
  readonly runs: readonly ProcessMeasurement[];
}

interface Program {
  readonly name: string;
  readonly command: string;
}

const OURS: Program = {
  name: "engine",
  command: fileURLToPath(new URL("../../bin/kopia", import.meta.url)),
};
const STEPS = [
  "create",
  "first backup",
  "no change",
  "verify 100 %",
  "restore",
  "snapshot list",
] as const;

/** Runs all flows, both programs step by step in turn, and returns every measurement. */
export async function runFlows(
  options: FlowOptions,
  onRow: (line: string) => void,
): Promise<FlowRow[]> {
  const programs: Program[] = [OURS];
  if (options.kopiaExe !== undefined) programs.push({ name: "kopia", command: options.kopiaExe });
  const rows: FlowRow[] = [];
  for (const [flow, write] of flowsOf(options)) {
    const source = join(options.directory, flow, "source");
    mkdirSync(source, { recursive: true });
    write(source);
    const runs = new Map<string, ProcessMeasurement[]>();
    for (let round = 0; round < options.rounds; round++)
      await runRound({ ...options, flow, source, programs, runs, onRow });
    rmSync(source, { recursive: true });
    for (const step of STEPS)
      for (const { name } of programs)
        rows.push({ flow, step, program: name, runs: runs.get(`${step}/${name}`) ?? [] });
  }
  return rows;
}

function flowsOf(options: FlowOptions): [string, (source: string) => void][] {
  return [
    [
      `${options.smallFileCount} small files`,
      (source) =>
        writeSmallFiles(source, { count: options.smallFileCount, meanBytes: 1440, seed: 1 }),
    ],
    [
      `one file of ${Math.round(options.largeFileBytes / 2 ** 20)} MiB`,
      (source) =>
        writeLargeFile(join(source, "file.bin"), {
          lengthBytes: options.largeFileBytes,
          compressible: true,
          seed: 2,
        }),
    ],
  ];
}

interface Round extends FlowOptions {
  readonly flow: string;
  readonly source: string;
  readonly programs: readonly Program[];
  readonly runs: Map<string, ProcessMeasurement[]>;
  readonly onRow: (line: string) => void;
}

async function runRound(round: Round): Promise<void> {
  const homes = round.programs.map((program) => ({
    program,
    home: mkdtempSync(join(round.directory, `${program.name}-`)),
  }));
  for (const step of STEPS)
    for (const { program, home } of homes) {
      const measured = await measureProcess(
        stepCommand(step, { program, home, source: round.source }),
      );
      if (measured.exitCode !== 0)
        throw new Error(`${program.name} failed at "${step}": ${measured.stderr.slice(-2000)}`);
      const key = `${step}/${program.name}`;
      round.runs.set(key, [...(round.runs.get(key) ?? []), measured]);
      round.onRow(
        `${round.flow} · ${step} · ${program.name}: ${measured.wallSeconds.toFixed(2)} s, ` +
          `${measured.cpuSeconds.toFixed(2)} s CPU, ${Math.round(measured.peakMemoryBytes / 2 ** 20)} MiB`,
      );
    }
  for (const { home } of homes) rmSync(home, { recursive: true });
}

function stepCommand(
  step: (typeof STEPS)[number],
  run: { readonly program: Program; readonly home: string; readonly source: string },
): MeasuredCommand {
  const { program, home, source } = run;
  const repository = join(home, "repo");
  const args = {
    create: ["repository", "create", "filesystem", `--path=${repository}`],
    "set policy": ["policy", "set", "--global", "--compression=zstd-fastest"],
    "first backup": ["snapshot", "create", source],
    "no change": ["snapshot", "create", source],
    "verify 100 %": ["snapshot", "verify", "--verify-files-percent=100"],
    restore: ["restore", source, join(home, "restored")],
    "snapshot list": ["snapshot", "list", "--all"],
  }[step];
  return {
    command: program.command,
    args: [`--config-file=${join(home, "config")}`, ...args],
    env: {
      PATH: process.env["PATH"],
      HOME: home,
      KOPIA_PASSWORD: "bench",
      KOPIA_CACHE_DIRECTORY: join(home, "cache"),
      KOPIA_LOG_DIR: join(home, "logs"),
      KOPIA_CHECK_FOR_UPDATES: "false",
      KOPIA_ENGINE_BUNDLE: "1",
    },
  };
}

/** Medians of every case, one line each, with the ratio of our program to the real one where both ran. */
export function formatFlows(rows: readonly FlowRow[]): string[] {
  const ours = rows.filter(({ program }) => program === OURS.name);
  return ours.map((row) => {
    const other = rows.find(
      ({ flow, step, program }) => flow === row.flow && step === row.step && program !== OURS.name,
    );
    const figures = FIGURES.map(([label, of]) => {
      const mine = median(row.runs.map(of));
      const theirs = other === undefined ? undefined : median(other.runs.map(of));
      const ratio =
        theirs === undefined ? "" : ` (${(mine / theirs).toFixed(2)} × ${theirs.toFixed(2)})`;
      return `${label} ${mine.toFixed(2)}${ratio}`;
    });
    return `${row.flow}, ${row.step}: ${figures.join(", ")}`;
  });
}

/** Writes all measurements as JSON below `bench/results/`; returns the path. */
export function saveFlows(rows: readonly FlowRow[]): string {
  const directory = fileURLToPath(new URL("../results", import.meta.url));
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "flows.json");
  writeFileSync(path, `${JSON.stringify(rows.map(withoutOutput), undefined, 2)}\n`);
  return path;
}

const FIGURES: readonly (readonly [string, (run: ProcessMeasurement) => number])[] = [
  ["wall s", ({ wallSeconds }) => wallSeconds],
  ["CPU s", ({ cpuSeconds }) => cpuSeconds],
  ["peak MiB", ({ peakMemoryBytes }) => peakMemoryBytes / 2 ** 20],
];

function withoutOutput(row: FlowRow): object {
  return { ...row, runs: row.runs.map((run) => ({ ...run, stderr: undefined })) };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
