import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { RunResult, Workplace } from "./run-kopia.ts";

/** The real program, where one is given; empty otherwise. */
export const KOPIA = process.env["KOPIA_EXE"] ?? "";

/** Identity that wrote the recorded repositories. */
export const IDENTITY = ["--override-username=root", "--override-hostname=fixhost"];

/** Runs the real program with a connection of its own. */
export function runReal(
  place: Workplace,
  argv: readonly string[],
  options: { readonly password?: string; readonly name?: string } = {},
): RunResult {
  const { password = "test-password", name = "real" } = options;
  const run = spawnSync(KOPIA, argv, {
    encoding: "utf8",
    cwd: place.path,
    input: "",
    env: {
      HOME: join(place.path, name),
      PATH: process.env["PATH"],
      TZ: "UTC",
      KOPIA_PASSWORD: password,
      KOPIA_CONFIG_PATH: join(place.path, `${name}.config`),
      KOPIA_CHECK_FOR_UPDATES: "false",
    },
  });
  return { exitCode: run.status ?? -1, stdout: run.stdout, stderr: run.stderr };
}
