import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { openFilesystemRepository, type Repository } from "@kopia-engine/kopia-format";
import type { Workplace } from "../run-kopia.ts";
import type { Dice } from "./dice.ts";
import type { RandomFormat } from "./random-format.ts";
import type { ComparableTree } from "./random-tree.ts";

/** The two programs that take turns. */
export const PROGRAMS = ["ours", "theirs"] as const;
export type ProgramName = (typeof PROGRAMS)[number];

/** What a program that ended well has printed. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

const CLIENT = { username: "user", hostname: "host" };

/** A repository that both programs work on, and what must be in it. */
export class World {
  readonly place: Workplace;
  readonly dice: Dice;
  readonly format: RandomFormat;
  readonly steps: string[] = [];
  readonly repositoryPath: string;
  readonly sources: readonly string[];
  /** Trees as they were, by snapshot ID, deleted ones included. */
  readonly trees = new Map<string, ComparableTree>();
  /** Sources whose policy leaves out `*.tmp`. */
  readonly ignoring = new Set<string>();
  password = "test-password";
  readonly #executable: string;

  constructor(options: {
    readonly place: Workplace;
    readonly dice: Dice;
    readonly format: RandomFormat;
    /** The original program. */
    readonly executable: string;
  }) {
    this.place = options.place;
    this.dice = options.dice;
    this.format = options.format;
    this.#executable = options.executable;
    this.repositoryPath = join(this.place.path, "repo");
    this.sources = ["one", "two"].map((name) => join(this.place.path, "source", name));
  }

  /** A command line of either program. */
  either(...argv: readonly string[]): Promise<string> {
    return this.run(this.dice.one(PROGRAMS), ...argv);
  }

  /** A command line of one program, which must succeed; gives what it printed. */
  async run(name: ProgramName, ...argv: readonly string[]): Promise<string> {
    return (await this.runTold(name, ...argv)).stdout;
  }

  /** As `run`, with what it told on the way. */
  async runTold(name: ProgramName, ...argv: readonly string[]): Promise<Printed> {
    this.steps.push(`${name}: ${argv.join(" ").replaceAll(this.place.path, "DIR")}`);
    if (name === "theirs") return this.#runOriginal(argv);
    const result = await this.place.run(argv, { env: { KOPIA_PASSWORD: this.password } });
    if (result.exitCode === 0) return result;
    throw new Error(`ours: ${argv.join(" ")}: ${result.stderr}`);
  }

  /** Connects a program, or makes the repository by it. */
  async connect(name: ProgramName, verb: "create" | "connect"): Promise<void> {
    await this.run(
      name,
      "repository",
      verb,
      "filesystem",
      `--path=${this.repositoryPath}`,
      ...this.format.storageFlags,
      ...(verb === "create" ? this.format.flags : []),
      `--override-username=${CLIENT.username}`,
      `--override-hostname=${CLIENT.hostname}`,
      // Otherwise the original does not see for a while what somebody else wrote.
      "--max-list-cache-duration=0s",
      "--disable-repository-format-cache",
    );
  }

  /** Opens the repository by the library, as this client. */
  open(what: string): Promise<Repository> {
    this.steps.push(`library: ${what}`);
    const { repositoryPath: path, password } = this;
    return openFilesystemRepository({ path, password, client: CLIENT });
  }

  #runOriginal(argv: readonly string[]): Printed {
    const { path } = this.place;
    const run = spawnSync(this.#executable, argv, {
      encoding: "utf8",
      maxBuffer: 2 ** 28,
      env: {
        HOME: path,
        TZ: "UTC",
        KOPIA_PASSWORD: this.password,
        KOPIA_CONFIG_PATH: join(path, "real.config"),
        KOPIA_CACHE_DIRECTORY: join(path, "real-cache"),
        KOPIA_LOG_DIR: join(path, "real-log"),
        KOPIA_CHECK_FOR_UPDATES: "false",
      },
    });
    if (run.status === 0) return run;
    throw new Error(`original: ${argv.join(" ")}: ${run.stderr}`);
  }
}
