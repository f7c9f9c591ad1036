import type { MaintenanceRun, MaintenanceSchedule, TimeNs } from "@kopia-engine/kopia-format";
import type { SafetyParameters } from "./safety-parameters.ts";

type Runs = MaintenanceSchedule["runs"];

/** Whether contents may be rewritten in a full cycle: not twice without a deletion between (spec 3 §1.6). */
export function mayRewriteInFullCycle(runs: Runs, safety: SafetyParameters): boolean {
  const rewritten = latestEnd(runs, ["full-rewrite-contents"]);
  if (rewritten === undefined || safety.rewriteToDeleteDelayNs === 0n) return true;
  const deleted = latestEnd(runs, ["quick-delete-blobs", "full-delete-blobs"]);
  return deleted !== undefined && deleted >= rewritten;
}

/** Whether packs may be deleted: not soon after a rewrite (spec 3 §1.6). */
export function mayDeletePacks(runs: Runs, safety: SafetyParameters, now: TimeNs): boolean {
  const rewritten = latestEnd(runs, ["full-rewrite-contents", "quick-rewrite-contents"]);
  return rewritten === undefined || now >= rewritten + safety.rewriteToDeleteDelayNs;
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
