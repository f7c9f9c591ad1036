import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type ProcessRun, runProcess } from "./run-process.ts";

/** A snapshot as `snapshot list --json` prints it, as far as the demo looks. */
export interface ListedSnapshot {
  readonly id: string;
  readonly rootEntry: { readonly summ: { readonly files: number; readonly size: number } };
}

/** Totals over all contents of the repository. */
export interface ContentTotals {
  readonly originalBytes: number;
  readonly storedBytes: number;
}

interface Setting {
  readonly workDirectory: string;
  readonly programs: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (line: string) => void;
}

const PASSWORD = "demo-password";

/** The mover and the command line, started as a cluster and a person would start them. */
export class Programs {
  readonly repository: string;
  readonly #setting: Setting;
  readonly #data: string;
  readonly #cache: string;

  constructor(setting: Setting, paths: { readonly data: string; readonly repository: string }) {
    this.#setting = setting;
    this.#data = paths.data;
    this.repository = paths.repository;
    this.#cache = join(setting.workDirectory, "cache");
    mkdirSync(this.#cache, { recursive: true });
  }

  /** Runs the mover with a Job's environment; its log is shown. @throws Error when it fails. */
  async mover(operation: string, env: Readonly<Record<string, string>> = {}): Promise<ProcessRun> {
    return await this.#run("mover", [operation], {
      DATA_DIR: this.#data,
      KOPIA_CACHE_DIR: this.#cache,
      KOPIA_REPOSITORY: `filesystem://${this.repository}`,
      KOPIA_OVERRIDE_USERNAME: "demo",
      KOPIA_OVERRIDE_HOSTNAME: "cluster",
      KOPIA_COMPRESSION: "zstd-fastest",
      ...env,
    });
  }

  /** Runs the command line on the mover's connection; its output is shown. @throws Error when it fails. */
  async kopia(...args: readonly string[]): Promise<ProcessRun> {
    return await this.#run("kopia", args, this.#connection());
  }

  /** All snapshots, oldest first. */
  async snapshots(): Promise<ListedSnapshot[]> {
    const { stdout } = await this.#quiet("snapshot", "list", "--all", "--json");
    return JSON.parse(stdout) as ListedSnapshot[];
  }

  /** Sizes of all contents, before and after compression and encryption. */
  async contentTotals(): Promise<ContentTotals> {
    const { stdout } = await this.#quiet("content", "list", "--json");
    const contents = JSON.parse(stdout) as { originalLength: number; length: number }[];
    return {
      originalBytes: contents.reduce((sum, { originalLength }) => sum + originalLength, 0),
      storedBytes: contents.reduce((sum, { length }) => sum + length, 0),
    };
  }

  /** Commands for a person who wants to look further. */
  invitation(): string {
    const kopia = join(this.#setting.programs, "kopia");
    return [
      `   export KOPIA_CONFIG_PATH=${join(this.#cache, "kopia.config")} KOPIA_PASSWORD=${PASSWORD}`,
      `   ${kopia} snapshot list --all`,
      `   ${kopia} repository status`,
      `   ${kopia} content stats`,
      `   rm -r ${this.#setting.workDirectory}    # when you are done`,
    ].join("\n");
  }

  #connection(): Record<string, string> {
    return { KOPIA_CONFIG_PATH: join(this.#cache, "kopia.config") };
  }

  async #quiet(...args: readonly string[]): Promise<ProcessRun> {
    return await this.#run("kopia", args, this.#connection(), false);
  }

  async #run(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    shown = true,
  ): Promise<ProcessRun> {
    const { write, programs, env: inherited } = this.#setting;
    if (shown) write(`   $ ${program} ${args.join(" ")}`);
    const last: string[] = [];
    const run = await runProcess({
      command: join(programs, program),
      args,
      env: {
        PATH: inherited["PATH"],
        HOME: this.#setting.workDirectory,
        KOPIA_PASSWORD: PASSWORD,
        ...env,
      },
      onLine: (line) => {
        last.push(line);
        if (shown) write(`     ${line}`);
      },
    });
    if (run.exitCode !== 0)
      throw new Error(
        `${program} ${args.join(" ")} ended with ${run.exitCode}:\n${last.slice(-20).join("\n")}`,
      );
    return run;
  }
}
