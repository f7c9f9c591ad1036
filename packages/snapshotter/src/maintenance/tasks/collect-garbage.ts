import { isTooMuch, breakerError, type Breaker } from "../breaker.ts";
import { markRemoved } from "../../gc/mark-contents.ts";
import { readSnapshotHistory } from "../../gc/manifest-history.ts";
import {
  executeSnapshotGc,
  planSnapshotGc,
  snapshotGcStats,
  type SnapshotGcPlan,
} from "../../gc/snapshot-gc.ts";
import type { Cycle } from "../maintenance-cycle.ts";
import type { MaintenanceTask } from "../maintenance-task.ts";
import { latestEndOfTask } from "../task-history.ts";

/** The first task of a full cycle (spec 3 §2), behind the breaker. */
export const collectGarbage: MaintenanceTask<SnapshotGcPlan> = {
  name: "snapshot-gc",
  kind: "snapshotGCStats",
  isVerified: false,
  async plan(cycle) {
    const { repository, startTime, safety } = cycle;
    const minContentAgeNs = safety.minContentAgeNs;
    const plan = await planSnapshotGc({ repository, startTime, minContentAgeNs });
    cycle.observer.collected?.(plan);
    if (cycle.breaker !== "off") await assertExplained(cycle, plan, cycle.breaker);
    return plan;
  },
  describe(plan, { repository, supposed }) {
    const marked = repository.contents.createMarks();
    for (const id of plan.toDelete) marked.mark(id);
    const moved = repository.contents.createMarks();
    for (const id of plan.toUndelete) moved.mark(id);
    supposed.marked = marked;
    supposed.moved = moved;
    return {
      lines: [
        `${plan.snapshotCount} snapshots need ${plan.inUse.count} contents (${plan.inUse.bytes} bytes)`,
        `mark ${plan.toDelete.size} contents deleted (${plan.deleted.bytes} bytes)`,
        `restore ${plan.toUndelete.size} contents that were marked and are needed (${plan.recovered.bytes} bytes)`,
        `leave ${plan.unreferencedRecent.count} unneeded contents that are too recent (${plan.unreferencedRecent.bytes} bytes)`,
      ],
      details: {
        ...snapshotGcStats(plan),
        snapshotCount: plan.snapshotCount,
        markedContents: [...plan.toDelete],
        restoredContents: [...plan.toUndelete],
      },
    };
  },
  async execute(plan, { repository }) {
    await executeSnapshotGc(repository, plan);
    return snapshotGcStats(plan);
  },
};

/**
 * Refuses what nothing explains: snapshots that are gone without a trace of their removal, or more garbage
 * than the snapshots that were removed left behind.
 */
async function assertExplained(
  { repository, schedule }: Cycle,
  plan: SnapshotGcPlan,
  breaker: Breaker,
): Promise<void> {
  const since = latestEndOfTask(schedule.runs, "full-rewrite-contents") ?? 0n;
  const { removed, lost } = await readSnapshotHistory(repository, since);
  if (lost.length > breaker.maxSnapshots) {
    const count = lost.length;
    throw breakerError(
      `${count} snapshots are gone without a trace of their removal, more than ${breaker.maxSnapshots} (for example ${lost[0]?.id})`,
      { lostSnapshotCount: count },
    );
  }
  const liveBytes = plan.inUse.bytes + plan.unreferencedRecent.bytes + plan.deleted.bytes;
  // Walking removed snapshots costs time: only where the whole would be too much.
  if (!isTooMuch(breaker, plan.deleted.bytes, liveBytes)) return;
  const explained = await markRemoved(repository, removed);
  let unexplainedBytes = 0;
  let count = 0;
  for (const id of plan.toDelete) {
    if (explained.has(id)) continue;
    count++;
    unexplainedBytes += repository.contents.getContentInfo(id)?.packedLength ?? 0;
  }
  if (!isTooMuch(breaker, unexplainedBytes, liveBytes)) return;
  throw breakerError(
    `${count} contents with ${unexplainedBytes} of ${liveBytes} live bytes would be marked deleted, more than ${breaker.maxPercent} %, ` +
      "and no removed snapshot explains them",
    { unexplainedBytes, liveBytes },
  );
}
