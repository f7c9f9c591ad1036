import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { measureProcess, type ProcessMeasurement } from "./measure-process.ts";
import { settleFirstEpoch, writeManyContents } from "./many-contents.ts";

/** What is measured. */
export interface MaintenanceBenchOptions {
  readonly directory: string;
  readonly contentCount: number;
  readonly rounds: number;
  /** The real program, for ratios. */
  readonly kopiaExe: string | undefined;
}

interface UpkeepCommand {
  readonly args: readonly string[];
  /** Kopia has no such command. */
  readonly isOurs?: boolean;
  /** Of a doctor that finds something. Default 0. */
  readonly exitCode?: number;
}

interface RepositoryState {
  readonly name: string;
  /** Makes a repository of the template's million contents. */
  readonly prepare: (options: MaintenanceBenchOptions, path: string) => Promise<void>;
  /** After connecting: what connecting would stumble over. */
  readonly damage?: (path: string) => void;
  /** Commands in turn; each list begins with a copy of its own. */
  readonly runs: readonly (readonly UpkeepCommand[])[];
}

const OURS = fileURLToPath(new URL("../../bin/kopia", import.meta.url));
const PASSWORD = "bench";
const CLIENT = { username: "bench", hostname: "bench" };
const INDEX_BLOBS = 20;
const DANGEROUS = "--dangerous-commands=enabled";

const ONE_INDEX_BLOB: RepositoryState = {
  name: "one index blob",
  prepare: ({ contentCount }, path) =>
    writeManyContents({ path, password: PASSWORD, contentCount, client: CLIENT }),
  runs: [
    [
      { args: ["maintenance", "run", "--full"] },
      { args: ["maintenance", "run", "--full", "--safety=none"] },
      { args: ["maintenance", "run"] },
      { args: ["content", "verify"] },
      { args: ["snapshot", "verify"] },
      { args: ["index", "recover", DANGEROUS] },
      { args: ["doctor"], isOurs: true },
    ],
  ],
};

const DUE: RepositoryState = {
  name: "compaction due",
  async prepare({ contentCount }, path) {
    const contentsPerFlush = Math.ceil(contentCount / INDEX_BLOBS / 1000) * 1000;
    const options = { path, password: PASSWORD, contentCount, client: CLIENT };
    await writeManyContents({ ...options, contentsPerFlush });
    await settleFirstEpoch(path);
  },
  runs: [
    [{ args: ["doctor"], isOurs: true }, { args: ["maintenance", "run"] }],
    [{ args: ["maintenance", "run", "--full"] }],
    [{ args: ["index", "optimize", DANGEROUS] }],
  ],
};

const LOST: RepositoryState = {
  name: "index lost",
  prepare: ONE_INDEX_BLOB.prepare,
  damage: removeIndex,
  runs: [
    [
      { args: ["doctor"], isOurs: true, exitCode: 1 },
      { args: ["index", "recover", DANGEROUS] },
      { args: ["index", "recover", DANGEROUS, "--commit"] },
    ],
  ],
};

/** Maintains a repository of very many contents with both programs in turn, each on a copy of its own. */
export async function runMaintenanceBench(
  options: MaintenanceBenchOptions,
  onRow: (line: string) => void,
): Promise<void> {
  const { directory, rounds, kopiaExe } = options;
  const programs = [{ name: "engine", command: OURS }];
  if (kopiaExe !== undefined) programs.push({ name: "kopia", command: kopiaExe });
  for (const state of [ONE_INDEX_BLOB, DUE, LOST]) {
    onRow(`${state.name}:`);
    const template = join(directory, "template");
    mkdirSync(template);
    await state.prepare(options, template);
    for (let round = 0; round < rounds; round++) {
      for (const commands of state.runs) {
        for (const program of programs) {
          const place = join(directory, `${program.name}-${round}`);
          mkdirSync(place);
          cpSync(template, join(place, "repo"), { recursive: true, preserveTimestamps: true });
          await runCommands({ ...program, place, state, commands }, onRow);
          rmSync(place, { recursive: true });
        }
      }
    }
    rmSync(template, { recursive: true });
  }
}

async function runCommands(
  input: {
    readonly name: string;
    readonly command: string;
    readonly place: string;
    readonly state: RepositoryState;
    readonly commands: readonly UpkeepCommand[];
  },
  onRow: (line: string) => void,
): Promise<void> {
  const { name, command, place, state, commands } = input;
  const env = environment(place);
  const run = (args: readonly string[]): Promise<ProcessMeasurement> =>
    measureProcess({ command, args, env });
  const connected = await run([
    ...["repository", "connect", "filesystem", `--path=${place}/repo`],
    `--override-username=${CLIENT.username}`,
    `--override-hostname=${CLIENT.hostname}`,
  ]);
  assertExitCode(`${name} repository connect`, connected, 0);
  state.damage?.(join(place, "repo"));
  for (const { args, isOurs = false, exitCode = 0 } of commands) {
    if (isOurs && command !== OURS) continue;
    const measured = await run(args);
    const what = args.filter((arg) => arg !== DANGEROUS).join(" ");
    assertExitCode(`${name} ${what}`, measured, exitCode);
    onRow(describeRow(name, what, measured));
  }
}

function assertExitCode(what: string, run: ProcessMeasurement, expected: number): void {
  if (run.exitCode === expected) return;
  throw new Error(`${what} ended with ${run.exitCode}: ${run.stderr.slice(-2000)}`);
}

function describeRow(name: string, what: string, run: ProcessMeasurement): string {
  return [
    name.padEnd(7),
    what.padEnd(40),
    `${run.wallSeconds.toFixed(2)} s`,
    `(CPU ${run.cpuSeconds.toFixed(2)} s)`,
    `${Math.round(run.peakMemoryBytes / 2 ** 20)} MiB`,
  ].join(" ");
}

/** Index blobs and markers of epochs, wherever the layout puts them: all begin with `x`. */
function removeIndex(path: string): void {
  for (const name of readdirSync(path)) {
    if (name.startsWith("x")) rmSync(join(path, name), { recursive: true });
  }
}

function environment(place: string): Record<string, string | undefined> {
  return {
    PATH: process.env["PATH"],
    HOME: place,
    TZ: "UTC",
    KOPIA_CONFIG_PATH: join(place, "config"),
    KOPIA_CACHE_DIRECTORY: join(place, "cache"),
    KOPIA_LOG_DIR: join(place, "log"),
    KOPIA_PASSWORD: PASSWORD,
    KOPIA_CHECK_FOR_UPDATES: "false",
    KOPIA_ENGINE_BUNDLE: "1",
  };
}
