import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { STEPS, prepareSource, type FlowSource, type Step } from "./flow-sources.ts";
import type { ProcessMeasurement } from "./measure-process.ts";
import { ProgramHome, programs, type Program } from "./program.ts";

/** What to run, and where. */
export interface FlowOptions {
  /** Directory for trees and repositories, best on a memory file system. */
  readonly directory: string;
  readonly rounds: number;
  readonly sources: readonly FlowSource[];
  /** The real program, for ratios; without it our figures stand alone. */
  readonly kopiaExe: string | undefined;
  readonly onLine: (line: string) => void;
}

/** What a run is kept of. */
export type RunFigures = Omit<ProcessMeasurement, "exitCode" | "stdout" | "stderr">;

/** Measurements of one step by one program, one for each round. */
export interface FlowRow {
  readonly flow: string;
  readonly title: string;
  readonly step: Step;
  readonly program: Program["name"];
  readonly runs: readonly RunFigures[];
  /** Size of the repository after the step, for the first backup. */
  readonly repositoryBytes?: readonly number[];
}

/** Runs all flows, both programs step by step in turn, and returns every measurement. */
export async function runFlows(options: FlowOptions): Promise<FlowRow[]> {
  const rows: FlowRow[] = [];
  for (const source of options.sources) {
    const path = prepareSource(source, options.directory);
    const flow = new Flow(options, source, path);
    for (let round = 0; round < options.rounds; round++) await flow.runRound(round);
    rows.push(...flow.rows());
    if (source.existingPath === undefined) rmSync(path, { recursive: true });
  }
  return rows;
}

class Flow {
  readonly #options: FlowOptions;
  readonly #source: FlowSource;
  readonly #path: string;
  readonly #runs = new Map<string, RunFigures[]>();
  readonly #sizes = new Map<string, number[]>();

  constructor(options: FlowOptions, source: FlowSource, path: string) {
    this.#options = options;
    this.#source = source;
    this.#path = path;
  }

  async runRound(round: number): Promise<void> {
    const { directory, kopiaExe } = this.#options;
    const homes = programs(kopiaExe).map((program) => new ProgramHome(program, directory));
    try {
      for (const home of homes) await home.createRepository();
      // Who is first changes from round to round.
      const inOrder = round % 2 === 0 ? homes : homes.toReversed();
      for (const step of this.#source.steps)
        for (const home of inOrder) await this.#run(step, home);
      await this.#verifyOurs(homes);
    } finally {
      for (const { path } of homes) rmSync(path, { recursive: true, force: true });
    }
  }

  rows(): FlowRow[] {
    const { steps } = this.#source;
    const ran = programs(this.#options.kopiaExe);
    return STEPS.filter((step) => steps.includes(step)).flatMap((step) =>
      ran.map(({ name }) => this.#rowOf(step, name)),
    );
  }

  #rowOf(step: Step, program: Program["name"]): FlowRow {
    const { name: flow, title } = this.#source;
    const runs = this.#runs.get(`${step}/${program}`) ?? [];
    const repositoryBytes = this.#sizes.get(`${step}/${program}`);
    const row = { flow, title, step, program, runs };
    return repositoryBytes === undefined ? row : { ...row, repositoryBytes };
  }

  async #run(step: Step, home: ProgramHome): Promise<void> {
    const restored = join(home.path, "restored");
    const measured = await home.measure(...stepArguments(step, this.#path, restored));
    if (step === "restore") {
      if (home.program.name === "engine") assertSameTree(this.#path, restored);
      rmSync(restored, { recursive: true });
    }
    const { wallSeconds, cpuSeconds, peakMemoryBytes, readBytes, writtenBytes } = measured;
    const figures = { wallSeconds, cpuSeconds, peakMemoryBytes, readBytes, writtenBytes };
    const key = `${step}/${home.program.name}`;
    this.#runs.set(key, [...(this.#runs.get(key) ?? []), figures]);
    if (step === "first backup") {
      this.#sizes.set(key, [...(this.#sizes.get(key) ?? []), sizeOf(home.repository)]);
    }
    this.#options.onLine(
      `${this.#source.name} · ${step} · ${home.program.name}: ${wallSeconds.toFixed(2)} s, ` +
        `${cpuSeconds.toFixed(2)} s CPU, ${Math.round(peakMemoryBytes / 2 ** 20)} MiB`,
    );
  }

  /** No figure counts when the real program cannot read all that was written. */
  async #verifyOurs(homes: readonly ProgramHome[]): Promise<void> {
    const ours = homes.find(({ program }) => program.name === "engine");
    const kopia = homes.find(({ program }) => program.name === "kopia");
    if (ours === undefined || kopia === undefined) return;
    const judge = new ProgramHome(kopia.program, this.#options.directory);
    try {
      await judge.measure("repository", "connect", "filesystem", `--path=${ours.repository}`);
      await judge.measure("snapshot", "verify", "--verify-files-percent=100");
      this.#options.onLine(`${this.#source.name} · the real program verified what ours wrote`);
    } finally {
      rmSync(judge.path, { recursive: true });
    }
  }
}

function stepArguments(step: Step, source: string, restored: string): readonly string[] {
  switch (step) {
    case "first backup":
    case "no change":
      return ["snapshot", "create", source];
    case "verify 100 %":
      return ["snapshot", "verify", "--verify-files-percent=100"];
    case "verify without contents":
      return ["snapshot", "verify"];
    case "restore":
      return ["restore", source, restored];
    case "snapshot list":
      return ["snapshot", "list", "--all"];
  }
}

/** Names, kinds and sizes; the bytes are proven by the verification and by tests. */
function assertSameTree(expected: string, restored: string): void {
  const names = readdirSync(expected).toSorted((a, b) => (a < b ? -1 : 1));
  const found = readdirSync(restored).toSorted((a, b) => (a < b ? -1 : 1));
  if (names.join("/") !== found.join("/")) throw new Error(`${restored} has other names`);
  for (const name of names) {
    const [left, right] = [join(expected, name), join(restored, name)];
    const stat = statSync(left, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) assertSameTree(left, right);
    else if (stat?.size !== statSync(right, { throwIfNoEntry: false })?.size) {
      throw new Error(`${right} has another size than ${left}`);
    }
  }
}

function sizeOf(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}
