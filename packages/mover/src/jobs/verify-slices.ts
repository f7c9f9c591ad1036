import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "@kopia-engine/kopia-format";
import type { Environment, MoverEnvironment } from "../environment/environment.ts";
import { durationMs } from "../environment/variables.ts";
import type { MoverLog } from "../log/mover-log.ts";

const MS_PER_DAY = 86_400_000;
const DEFAULT_PERIOD_MS = 28 * MS_PER_DAY;
/** File in the cache: when each slice was last read. */
const STATE_FILE = "verify-state.json";

/** What the state file holds. A turn is a number that grows by one with every interval. */
export interface VerifyState {
  readonly sliceCount: number;
  /** Turn of the first run: what was due before is nobody's debt. */
  readonly sinceTurn: number;
  /** Turn in which a slice was last read, by slice; -1: never. */
  readonly lastTurns: readonly number[];
}

/** Which files this run reads. */
export interface VerifyRotation {
  readonly path: string;
  readonly turn: number;
  readonly state: VerifyState;
  readonly due: ReadonlySet<number>;
}

/**
 * The slices of a run. Files are dealt out to slices by their object ID, and time walks through the slices:
 * runs at the given interval read every file within the period, whatever happened to their caches. Where
 * the cache is kept, slices whose turn passed without a run (a Job that failed, a cluster that was down) are read
 * as well, so that the period holds all the same.
 */
export function openRotation(
  { cacheDirectory }: Pick<MoverEnvironment, "cacheDirectory">,
  env: Environment,
  nowMs: number,
): VerifyRotation {
  const periodMs = durationMs(env, "KOPIA_VERIFY_PERIOD") ?? DEFAULT_PERIOD_MS;
  const intervalMs = durationMs(env, "KOPIA_VERIFY_INTERVAL") ?? MS_PER_DAY;
  const sliceCount = Math.max(1, Math.floor(periodMs / intervalMs));
  const turn = Math.floor(nowMs / intervalMs);
  const path = join(cacheDirectory, STATE_FILE);
  const state = readState(path, { sliceCount, turn });
  return { path, turn, state, due: dueSlices(state, turn) };
}

/** The slice whose turn it is, and those whose last turn nobody took. */
export function dueSlices(state: VerifyState, turn: number): ReadonlySet<number> {
  const { sliceCount, sinceTurn, lastTurns } = state;
  const due = new Set([turn % sliceCount]);
  for (let back = 1; back < sliceCount; back++) {
    const planned = turn - back;
    const slice = planned % sliceCount;
    if (planned >= sinceTurn && (lastTurns[slice] ?? -1) < planned) due.add(slice);
  }
  return due;
}

/** Whether this run reads an object. Object IDs end in a hash: its last digits are as good as random. */
export function isDue({ due, state }: VerifyRotation, objectId: string): boolean {
  return due.has(Number.parseInt(objectId.slice(-8), 16) % state.sliceCount);
}

/** For the log. */
export function describeSlices({ due, state, turn }: VerifyRotation): string {
  const current = `slice ${(turn % state.sliceCount) + 1} of ${state.sliceCount}`;
  return due.size === 1 ? current : `${current} and ${due.size - 1} that earlier runs missed`;
}

/**
 * Remembers what was read. A cache that cannot be written is no reason to fail.
 * @returns the share of slices that were read within the period; `undefined` until a whole period is known.
 */
export function closeRotation(rotation: VerifyRotation, log: MoverLog): number | undefined {
  const { state, turn, due, path } = rotation;
  const lastTurns = state.lastTurns.map((last, slice) => (due.has(slice) ? turn : last));
  try {
    writeFileSync(`${path}.tmp`, `${JSON.stringify({ ...state, lastTurns })}\n`, { mode: 0o600 });
    renameSync(`${path}.tmp`, path);
  } catch (error) {
    log.warn(`What was verified is not remembered: ${errorMessage(error)}`);
  }
  if (turn - state.sinceTurn < state.sliceCount - 1) return undefined;
  return lastTurns.filter((last) => last > turn - state.sliceCount).length / state.sliceCount;
}

/** The state, or a new one: none is there, it is torn, or the period has changed. */
function readState(
  path: string,
  { sliceCount, turn }: { sliceCount: number; turn: number },
): VerifyState {
  const fresh = { sliceCount, sinceTurn: turn, lastTurns: Array<number>(sliceCount).fill(-1) };
  try {
    const known = JSON.parse(readFileSync(path, "utf8")) as Partial<VerifyState>;
    const { sinceTurn, lastTurns } = known;
    const isUsable =
      known.sliceCount === sliceCount &&
      Number.isSafeInteger(sinceTurn) &&
      Array.isArray(lastTurns) &&
      lastTurns.length === sliceCount &&
      lastTurns.every((last) => Number.isSafeInteger(last) && last <= turn);
    return isUsable ? { sliceCount, sinceTurn: sinceTurn ?? turn, lastTurns } : fresh;
  } catch {
    return fresh;
  }
}
