import {
  KopiaError,
  errorMessage,
  goStringify,
  parseJson,
  verifyContents,
  type JsonInput,
} from "@kopia-engine/kopia-format";
import type { Cycle } from "./maintenance-cycle.ts";
import type { TaskDescription } from "./maintenance-plan.ts";
import { saveSchedule, withRun } from "./schedule-store.ts";

/** Statistics of a run as the schedule records them; `null`: there was nothing to do. */
export type TaskStats = Readonly<Record<string, JsonInput>> | null;

/** One task of maintenance: what it will do is known before it does it. */
export interface MaintenanceTask<Plan> {
  /** Name in the schedule. */
  readonly name: string;
  /** Kind of its statistics (spec 3 §1.2). */
  readonly kind: string;
  /** Whether index entries may be checked before and after it (spec 3 §1.15). */
  readonly isVerified: boolean;
  /** Reads; changes nothing. */
  plan(cycle: Cycle): Promise<Plan>;
  describe(plan: Plan, cycle: Cycle): TaskDescription;
  execute(plan: Plan, cycle: Cycle): Promise<TaskStats>;
}

/**
 * Plans a task and executes it; in a dry run it is only described. A run is recorded, a failure too, and the
 * failure ends the cycle (spec 3 §1.4).
 */
export async function runTask<Plan>(cycle: Cycle, task: MaintenanceTask<Plan>): Promise<void> {
  const { repository, dryRun, observer } = cycle;
  if (dryRun) {
    const description = task.describe(await task.plan(cycle), cycle);
    cycle.planned.push({ task: task.name, runs: true, ...description });
    return;
  }
  observer.taskStarted?.(task.name);
  const start = repository.clock.now();
  const record = async (error: string, data: TaskStats): Promise<void> => {
    const extra = error === "" ? [parseJson(goStringify({ kind: task.kind, data }))] : [];
    const run = { start, end: repository.clock.now(), success: error === "", error, extra };
    cycle.schedule = withRun(cycle.schedule, task.name, run);
    try {
      cycle.writtenSchedule = await saveSchedule(repository, cycle.schedule);
    } catch (failure) {
      observer.note?.(`unable to record ${task.name}: ${errorMessage(failure)}`);
    }
  };
  try {
    const isVerified = task.isVerified && isChosen(cycle);
    if (isVerified) await assertEntriesInPacks(cycle, `before ${task.name}`);
    const stats = await task.execute(await task.plan(cycle), cycle);
    if (isVerified) await assertEntriesInPacks(cycle, `after ${task.name}`);
    await record("", stats);
  } catch (error) {
    await record(errorMessage(error) || "failed", null);
    throw error;
  }
}

/** Notes in the plan that a task is left out, and why. */
export function skipTask(cycle: Cycle, task: { readonly name: string }, reason: string): void {
  if (!cycle.dryRun) return;
  const skipped = { task: task.name, runs: false, lines: [reason], details: { reason } };
  cycle.planned.push(skipped);
}

function isChosen({ verifyPercent, repository }: Cycle): boolean {
  if (verifyPercent <= 0 || verifyPercent >= 100) return verifyPercent > 0;
  const [high = 0, low = 0] = repository.random(2);
  return ((high * 256 + low) / 65_536) * 100 < verifyPercent;
}

async function assertEntriesInPacks(cycle: Cycle, when: string): Promise<void> {
  const { repository } = cycle;
  const { errorCount, contentCount } = await verifyContents(
    repository.contents,
    repository.storage,
    { includeDeleted: true, random: repository.random },
  );
  if (errorCount === 0) return;
  throw new KopiaError(
    "MAINTENANCE_REFUSED",
    `${errorCount} of ${contentCount} index entries point outside of their packs, found ${when}`,
    { details: { errorCount, contentCount } },
  );
}
