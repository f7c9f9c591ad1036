import type { TimeNs } from "@kopia-engine/kopia-format";
import type { Cycle } from "./maintenance-cycle.ts";
import { runTask, skipTask } from "./maintenance-task.ts";
import {
  deletesAllKinds,
  mayDeletePacks,
  mayRewriteInFullCycle,
  mayRewriteInQuickCycle,
  safeDropTime,
} from "./task-history.ts";
import { cleanupLogs } from "./tasks/cleanup-logs.ts";
import { collectGarbage } from "./tasks/collect-garbage.ts";
import { compactV0Indexes } from "./tasks/compact-v0-indexes.ts";
import { deleteAllPacks, deleteMetadataPacks } from "./tasks/delete-unreferenced-packs.ts";
import { dropDeletedContents } from "./tasks/drop-deleted-contents.ts";
import {
  advanceEpoch,
  cleanupMarkers,
  cleanupSuperseded,
  compactRange,
  compactSingleEpoch,
} from "./tasks/epoch-tasks.ts";
import { extendRetention } from "./tasks/extend-retention.ts";
import { rewriteAllContents, rewriteMetadata } from "./tasks/rewrite-contents.ts";
import { refreshTrusted } from "./trusted-storage.ts";

const REWRITTEN_RECENTLY =
  "left out: contents were rewritten a short time ago, and clients may still read the old packs";
const NOT_DELETED_YET = "left out: the packs of the last rewrite are not deleted yet";

/** The tasks of a quick cycle (spec 3 §1.5). */
export async function runQuickTasks(cycle: Cycle): Promise<void> {
  if (cycle.upkeep.scheme === "epoch") {
    await runTask(cycle, compactSingleEpoch);
    await runTask(cycle, advanceEpoch);
    return;
  }
  const { safety } = cycle;
  if (mayRewriteInQuickCycle(cycle.schedule.runs, safety)) await runTask(cycle, rewriteMetadata);
  else skipTask(cycle, rewriteMetadata, NOT_DELETED_YET);
  const deletion = deletesAllKinds(cycle.schedule.runs) ? deleteAllPacks : deleteMetadataPacks;
  if (mayDeletePacks(cycle.schedule.runs, safety, now(cycle))) await runTask(cycle, deletion);
  else skipTask(cycle, deletion, REWRITTEN_RECENTLY);
  await runTask(cycle, compactV0Indexes);
  await runTask(cycle, cleanupLogs);
}

/** The tasks of a full cycle (spec 3 §1.5). */
export async function runFullTasks(cycle: Cycle): Promise<void> {
  const { safety, parameters } = cycle;
  await runTask(cycle, collectGarbage);
  await refreshTrusted(cycle);
  if (mayRewriteInFullCycle(cycle.schedule.runs, safety)) await runTask(cycle, rewriteAllContents);
  else skipTask(cycle, rewriteAllContents, NOT_DELETED_YET);
  const dropTime = safeDropTime(cycle.schedule.runs, safety, now(cycle));
  if (dropTime !== undefined) await runTask(cycle, dropDeletedContents(dropTime));
  else {
    const reason = "left out: no collection was confirmed by a second one, 4 hours later, yet";
    skipTask(cycle, { name: "full-drop-deleted-content" }, reason);
  }
  // A dry run has recorded nothing, so it asks about the rewrite that it planned as well.
  const wouldWait = cycle.dryRun && wouldRewrite(cycle) && safety.rewriteToDeleteDelayNs > 0n;
  if (!wouldWait && mayDeletePacks(cycle.schedule.runs, safety, now(cycle))) {
    await runTask(cycle, deleteAllPacks);
  } else skipTask(cycle, deleteAllPacks, REWRITTEN_RECENTLY);
  if (parameters.extendObjectLocks) await runTask(cycle, extendRetention);
  if (cycle.upkeep.scheme === "epoch") {
    await runTask(cycle, compactSingleEpoch);
    await runTask(cycle, advanceEpoch);
    await runTask(cycle, compactRange);
    await runTask(cycle, cleanupMarkers);
    await runTask(cycle, cleanupSuperseded);
  }
  await runTask(cycle, cleanupLogs);
}

function wouldRewrite({ planned }: Cycle): boolean {
  return planned.some(({ task, runs }) => runs && task === rewriteAllContents.name);
}

function now({ repository }: Cycle): TimeNs {
  return repository.clock.now();
}
