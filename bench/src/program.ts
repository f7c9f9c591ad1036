import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  measureProcess,
  type MeasuredCommand,
  type ProcessMeasurement,
} from "./measure-process.ts";

/** A program that is measured. */
export interface Program {
  readonly name: "engine" | "kopia";
  readonly command: string;
}

/** This program, as images run it: the bundle. */
export const OURS: Program = {
  name: "engine",
  command: fileURLToPath(new URL("../../bin/kopia", import.meta.url)),
};

/** Ours, and the real program where it is given. */
export function programs(kopiaExe: string | undefined): readonly Program[] {
  return kopiaExe === undefined ? [OURS] : [OURS, { name: "kopia", command: kopiaExe }];
}

/** A program with a connection, a cache and logs of its own. */
export class ProgramHome {
  readonly program: Program;
  readonly path: string;

  constructor(program: Program, parent: string) {
    mkdirSync(parent, { recursive: true });
    this.program = program;
    this.path = mkdtempSync(join(parent, `${program.name}-`));
  }

  /** Where its repository is, unless it connects to another. */
  get repository(): string {
    return join(this.path, "repository");
  }

  command(...args: readonly string[]): MeasuredCommand {
    return {
      command: this.program.command,
      args: [`--config-file=${join(this.path, "config")}`, ...args],
      env: {
        PATH: process.env["PATH"],
        HOME: this.path,
        KOPIA_PASSWORD: "bench",
        KOPIA_CACHE_DIRECTORY: join(this.path, "cache"),
        KOPIA_LOG_DIR: join(this.path, "logs"),
        KOPIA_CHECK_FOR_UPDATES: "false",
        KOPIA_ENGINE_BUNDLE: "1",
      },
    };
  }

  /** Runs it. @throws Error with what it said when it fails. */
  async measure(...args: readonly string[]): Promise<ProcessMeasurement> {
    const measured = await measureProcess(this.command(...args));
    if (measured.exitCode === 0) return measured;
    throw new Error(
      `${this.program.name} ${args.join(" ")} failed:\n${measured.stderr.slice(-2000)}`,
    );
  }

  /** A new repository with the compressor that all flows use. */
  async createRepository(): Promise<void> {
    await this.measure("repository", "create", "filesystem", `--path=${this.repository}`);
    await this.measure("policy", "set", "--global", "--compression=zstd-fastest");
  }
}

/** Makes the bundle of the sources as they are. */
export function buildBundle(): void {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  execFileSync(join(root, "node_modules/.bin/rolldown"), ["-c"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
}
