import { rmSync } from "node:fs";
import { join } from "node:path";
import { systemClock, utf8Encode } from "@kopia-engine/kopia-format";
import type { RunOptions, RunResult, Workplace } from "../run-kopia.ts";
import type { CrashCommand } from "./crash-commands.ts";
import { REPOSITORY_DIRECTORY, copyTemplate, type CrashTemplate } from "./crash-template.ts";
import { killAtFileOperation, type Death, type FileOperations } from "./file-killer.ts";
import { placeState, type PlaceState } from "./place-state.ts";

/** What killing one command everywhere came to. */
export interface DeathReport {
  readonly command: string;
  /** File operations of an undisturbed run. */
  readonly operationCount: number;
  readonly deathCount: number;
  /** One line for each death after which something was wrong. */
  readonly failures: readonly string[];
  /** This program does not have the command yet. */
  readonly unavailable: boolean;
}

/** Which deaths are tried. */
export interface DeathOptions {
  /** At most so many deaths, spread over the command. Default all. */
  readonly maxDeaths?: number;
}

interface DeathPoint {
  readonly nth: number;
  readonly death: Death;
}

/**
 * Kills a command at each of its file operations in the repository: before, after and within. Each time
 * what was there before must be whole, and running the command again must end as if nothing had happened.
 */
export async function enumerateDeaths(
  command: CrashCommand,
  template: CrashTemplate,
  { maxDeaths = Infinity }: DeathOptions = {},
): Promise<DeathReport> {
  const before = template.kind === "none" ? undefined : await placeState(template.place, command);
  using undisturbed = copyTemplate(template);
  let first: RunResult | undefined;
  const { log } = await watched(undisturbed, command, { nth: 0, death: "before" }, async () => {
    first = await undisturbed.run(command.argv(template, undisturbed.path), runOptions(command));
  });
  const base = { command: command.name, operationCount: log.length, deathCount: 0, failures: [] };
  if (first?.exitCode !== 0) {
    if (/not available|expected command/.test(first?.stderr ?? ""))
      return { ...base, unavailable: true };
    return { ...base, unavailable: false, failures: [`undisturbed: ${first?.stderr ?? ""}`] };
  }
  const after = await placeState(undisturbed, command);
  const failures: string[] = [];
  let deathCount = 0;
  for (const { nth, death } of spread(deathPoints(log), maxDeaths)) {
    deathCount++;
    const failure = await dieOnce(command, template, { nth, death, before, after });
    if (failure === undefined) continue;
    failures.push(`${command.name}: ${death} ${nth} (${log[nth - 1] ?? ""}): ${failure}`);
  }
  return { ...base, deathCount, failures, unavailable: false };
}

/** Waiting takes no time: a command that retries would do so for minutes. */
function runOptions({ env = {}, input }: CrashCommand): RunOptions {
  return {
    env,
    ...(input !== undefined && { stdin: utf8Encode(input) }),
    clock: { now: () => systemClock.now(), sleep: () => Promise.resolve() },
  };
}

interface OneDeath extends DeathPoint {
  readonly before: PlaceState | undefined;
  readonly after: PlaceState;
}

/** @returns what is wrong; `undefined` when nothing is. */
async function dieOnce(
  command: CrashCommand,
  template: CrashTemplate,
  { nth, death, before, after }: OneDeath,
): Promise<string | undefined> {
  using place = copyTemplate(template);
  const argv = command.argv(template, place.path);
  await watched(place, command, { nth, death }, async () => {
    await place.run(argv, runOptions(command));
  });
  if (before !== undefined && command.isBrokenUntilDone !== true) {
    const wrong = await check(
      () => placeState(place, command),
      (left) => lost(before, after, left),
    );
    if (wrong !== undefined) return `after the death: ${wrong}`;
  }
  let again = await place.run(argv, runOptions(command));
  if (again.stderr.includes("REPOSITORY_FOREIGN_DATA")) {
    // Killed between its two blobs, a creation has left what could as well be a repository that lost its format blob:
    // it asks for an empty directory, as the original does.
    rmSync(join(place.path, REPOSITORY_DIRECTORY), { recursive: true });
    again = await place.run(argv, runOptions(command));
  }
  if (again.exitCode !== 0 && command.mayBeDone !== true) return `again: ${again.stderr}`;
  const wrong = await check(
    () => placeState(place, command),
    (state) => differs(after, state, command.same),
  );
  return wrong === undefined ? undefined : `after another run: ${wrong} (${again.stderr.trim()})`;
}

async function check(
  read: () => Promise<PlaceState>,
  judge: (state: PlaceState) => string | undefined,
): Promise<string | undefined> {
  try {
    return judge(await read());
  } catch (error) {
    return String(error);
  }
}

/** What had to survive and did not: everything that the command would have left alone. */
function lost(before: PlaceState, after: PlaceState, left: PlaceState): string | undefined {
  if (left.problems.length > 0) return left.problems.join("; ");
  for (const key of ["snapshots", "policies"] as const) {
    const missing = before[key].filter(
      (line) => after[key].includes(line) && !left[key].includes(line),
    );
    if (missing.length > 0) return `${key} lost: ${missing.join("; ")}`;
  }
  return undefined;
}

function differs(
  expected: PlaceState,
  state: PlaceState,
  keys: readonly (keyof PlaceState)[],
): string | undefined {
  if (state.problems.length > 0) return state.problems.join("; ");
  for (const key of keys) {
    const [wanted, found] = [JSON.stringify(expected[key]), JSON.stringify(state[key])];
    if (wanted !== found) return `${key} are ${found}, expected ${wanted}`;
  }
  return undefined;
}

function watched(
  place: Workplace,
  command: CrashCommand,
  kill: { readonly nth: number; readonly death: Death },
  run: () => Promise<void>,
): Promise<FileOperations> {
  const { path } = place;
  const directory = command.worksBeside === true ? path : join(path, REPOSITORY_DIRECTORY);
  return killAtFileOperation(directory, kill, run);
}

/**
 * Every state that the storage can be left in: before the first operation, after each, and with each write
 * half done. Before an operation is the same as after the one that precedes it.
 */
function deathPoints(log: readonly string[]): DeathPoint[] {
  const points: DeathPoint[] = [{ nth: 1, death: "before" }];
  for (const [index, operation] of log.entries()) {
    if (operation.startsWith("write ")) points.push({ nth: index + 1, death: "torn" });
    points.push({ nth: index + 1, death: "after" });
  }
  return points;
}

/** At most `max` of some points, evenly spread, the last included. */
function spread(points: readonly DeathPoint[], max: number): DeathPoint[] {
  const count = Math.min(points.length, max);
  return Array.from(
    { length: count },
    (_, i) => points[Math.ceil(((i + 1) * points.length) / count) - 1] as DeathPoint,
  );
}
