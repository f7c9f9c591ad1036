import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli, type CliIo } from "@kopia-engine/cli";
import type { Clock } from "@kopia-engine/kopia-format";

/** What a run left behind. */
export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A place for repositories, connection files and sources of one test. */
export interface Workplace extends Disposable {
  readonly path: string;
  /** Runs a command line in this process. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Runs a command line and throws when it fails. */
  ok(...argv: readonly string[]): Promise<RunResult>;
}

/** How a run differs from the usual one. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Uint8Array;
  /** Standard input in pieces; takes the place of `stdin`. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Runs the words as they are, without a time zone. */
  readonly plain?: boolean;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/** Makes a directory with a connection file of its own; times are printed in UTC. */
export function createWorkplace(env: Readonly<Record<string, string>> = {}): Workplace {
  const path = mkdtempSync(join(tmpdir(), "kopia-cli-"));
  const common = {
    KOPIA_CONFIG_PATH: join(path, "repository.config"),
    KOPIA_PASSWORD: "test-password",
    HOME: path,
    XDG_CACHE_HOME: join(path, "cache"),
    ...env,
  };
  const run = (argv: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
    runInProcess(options.plain === true ? argv : inUtc(argv), {
      cwd: path,
      env: { ...common, ...options.env },
      options,
    });
  return {
    path,
    run,
    async ok(...argv) {
      const result = await run(argv);
      if (result.exitCode !== 0) throw new Error(`${argv.join(" ")} failed: ${result.stderr}`);
      return result;
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

function inUtc(argv: readonly string[]): readonly string[] {
  return argv.some((word) => word.startsWith("--timezone=")) ? argv : ["--timezone=utc", ...argv];
}

async function runInProcess(
  argv: readonly string[],
  where: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    readonly options: RunOptions;
  },
): Promise<RunResult> {
  const stdout: Uint8Array[] = [];
  const stderr: Uint8Array[] = [];
  const io: CliIo = {
    env: where.env,
    pid: process.pid,
    cwd: where.cwd,
    stdin: {
      isTerminal: false,
      bytes: () => where.options.input ?? inputBytes(where.options.stdin),
      readSecret: () => Promise.reject(new Error("there is no terminal")),
    },
    stdout: collector(stdout),
    stderr: collector(stderr),
    signal: where.options.signal ?? new AbortController().signal,
    ...(where.options.clock !== undefined && { clock: where.options.clock }),
  };
  const exitCode = await runCli(argv, io);
  return { exitCode, stdout: textOf(stdout), stderr: textOf(stderr) };
}

async function* inputBytes(bytes: Uint8Array | undefined): AsyncGenerator<Uint8Array> {
  if (bytes !== undefined) yield await Promise.resolve(bytes);
}

function collector(pieces: Uint8Array[]): CliIo["stdout"] {
  return {
    isTerminal: false,
    write(data) {
      pieces.push(typeof data === "string" ? Buffer.from(data) : data.slice());
      return Promise.resolve();
    },
  };
}

function textOf(pieces: readonly Uint8Array[]): string {
  return Buffer.concat(pieces).toString("utf8");
}
