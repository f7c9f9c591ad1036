import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { JobBench } from "./job-container.ts";

/** Our command line. */
export const OURS = fileURLToPath(new URL("../../../../bin/kopia", import.meta.url));
/** Who judges what Jobs wrote: our command line, and the real program where `KOPIA_EXE` names it. */
export const JUDGES: readonly string[] = [
  OURS,
  ...(process.env["KOPIA_EXE"] === undefined ? [] : [process.env["KOPIA_EXE"]]),
];

/** A snapshot as `snapshot list --json` shows it. */
export interface ListedSnapshot {
  readonly id: string;
  readonly source: { readonly userName: string; readonly host: string; readonly path: string };
  readonly tags?: Readonly<Record<string, string>>;
  readonly description: string;
  readonly startTime: string;
  readonly rootEntry: { readonly obj: string };
  readonly stats: { readonly cachedFiles?: number; readonly nonCachedFiles?: number };
}

/** Runs a command line over the repository of a bench, with a connection of its own. */
export function kopia(bench: JobBench, args: readonly string[], program = OURS): string {
  const directory = join(bench.root, program === OURS ? "ours" : "real");
  mkdirSync(directory, { recursive: true });
  const env = {
    PATH: process.env["PATH"],
    HOME: directory,
    KOPIA_PASSWORD: "conformance-password",
    KOPIA_CONFIG_PATH: join(directory, "repository.config"),
    KOPIA_CACHE_DIRECTORY: join(directory, "cache"),
    KOPIA_LOG_DIR: join(directory, "logs"),
    KOPIA_CHECK_FOR_UPDATES: "false",
  };
  const run = (words: readonly string[]) => spawnSync(program, words, { encoding: "utf8", env });
  if (!existsSync(env.KOPIA_CONFIG_PATH))
    run(["repository", "connect", "filesystem", `--path=${bench.volume}/repository`]);
  const done = run(args);
  expect(done.status, `${args.join(" ")}: ${done.stderr}`).toBe(0);
  return done.stdout;
}

/** All snapshots, ordered as listed. */
export function snapshotsOf(bench: JobBench, program = OURS): ListedSnapshot[] {
  const text = kopia(bench, ["snapshot", "list", "--all", "--json"], program);
  return JSON.parse(text) as ListedSnapshot[];
}
