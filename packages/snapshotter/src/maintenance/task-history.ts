import {
  asInteger,
  field,
  isJsonObject,
  type JsonValue,
  type MaintenanceRun,
  type MaintenanceSchedule,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import type { SafetyParameters } from "./safety-parameters.ts";

type Runs = MaintenanceSchedule["runs"];

const FULL_REWRITE = "full-rewrite-contents";
const QUICK_REWRITE = "quick-rewrite-contents";
const DELETIONS = ["quick-delete-blobs", "full-delete-blobs"];

/** Whether contents may be rewritten in a full cycle: not twice without a deletion between (spec 3 §1.6). */
export function mayRewriteInFullCycle(runs: Runs, safety: SafetyParameters): boolean {
  return mayRewriteAfter(runs, safety, latestEnd(runs, [FULL_REWRITE]));
}

/** The same for a quick cycle, which minds rewrites of both kinds. */
export function mayRewriteInQuickCycle(runs: Runs, safety: SafetyParameters): boolean {
  return mayRewriteAfter(runs, safety, latestEnd(runs, [FULL_REWRITE, QUICK_REWRITE]));
}

/** Whether packs may be deleted: not soon after a rewrite (spec 3 §1.6). */
export function mayDeletePacks(runs: Runs, safety: SafetyParameters, now: TimeNs): boolean {
  const rewritten = latestEnd(runs, [FULL_REWRITE, QUICK_REWRITE]);
  return rewritten === undefined || now >= rewritten + safety.rewriteToDeleteDelayNs;
}

/** Whether a quick cycle of the older index scheme deletes packs of all kinds: when nothing was rewritten since a full one (spec 3 §1.6). */
export function deletesAllKinds(runs: Runs): boolean {
  return (latestEnd(runs, [FULL_REWRITE]) ?? 0n) >= (latestEnd(runs, [QUICK_REWRITE]) ?? 0n);
}

/** Latest end of a successful run of a task. */
export function latestEndOfTask(runs: Runs, task: string): TimeNs | undefined {
  return latestEnd(runs, [task]);
}

/**
 * The time before which deletion marks are confirmed by a later collection (spec 3 §1.9);
 * `undefined` when there is none yet.
 */
export function safeDropTime(
  runs: Runs,
  safety: SafetyParameters,
  now: TimeNs,
): TimeNs | undefined {
  if (!safety.requireTwoGcCycles) return now;
  const collections = successful(runs, "snapshot-gc").toSorted((a, b) =>
    a.start < b.start ? 1 : a.start > b.start ? -1 : 0,
  );
  const [latest, ...older] = collections;
  if (latest === undefined) return undefined;
  const confirmed = older.find((run) => latest.start - run.end > safety.marginBetweenGcNs);
  return confirmed && confirmed.start - safety.dropExtraMarginNs;
}

function mayRewriteAfter(
  runs: Runs,
  safety: SafetyParameters,
  rewritten: TimeNs | undefined,
): boolean {
  if (rewritten === undefined || safety.rewriteToDeleteDelayNs === 0n) return true;
  const deleted = latestEnd(runs, DELETIONS);
  return deleted !== undefined && deleted >= rewritten;
}

function latestEnd(runs: Runs, tasks: readonly string[]): TimeNs | undefined {
  let latest: TimeNs | undefined;
  for (const { end } of tasks.flatMap((task) => successful(runs, task))) {
    if (latest === undefined || end > latest) latest = end;
  }
  return latest;
}

function successful(runs: Runs, task: string): readonly MaintenanceRun[] {
  return (runs.get(task) ?? []).filter((run) => run.success);
}

/** Bytes that recorded collections marked and rewrites moved: what may lawfully lie in packs that no index names. */
export function recordedGarbageBytes(runs: Runs): number {
  let bytes = 0;
  for (const task of ["snapshot-gc", FULL_REWRITE, QUICK_REWRITE]) {
    for (const run of successful(runs, task)) {
      for (const extra of run.extra) bytes += statsBytes(extra);
    }
  }
  return bytes;
}

function statsBytes(extra: JsonValue): number {
  const data = isJsonObject(extra) ? field(extra, "data") : undefined;
  if (data === undefined || !isJsonObject(data)) return 0;
  let bytes = 0;
  for (const name of ["deletedContentSize", "rewrittenContentSize"]) {
    const value = field(data, name);
    if (value !== undefined) bytes += asInteger(value, name);
  }
  return bytes;
}
