import {
  LOG_BLOB_PREFIX,
  collectAsync,
  type BlobMetadata,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import { effectiveLogRetention, type LogRetention } from "../../model/maintenance-parameters.ts";
import type { Cycle } from "../maintenance-cycle.ts";
import { totalBytes } from "../maintenance-plan.ts";
import type { MaintenanceTask, TaskStats } from "../maintenance-task.ts";

/** Logs that are too many, too large or too old. */
export interface LogCleanupPlan {
  readonly toDelete: readonly BlobMetadata[];
  readonly retained: readonly BlobMetadata[];
}

/** Deletes logs beyond the limits: the first one and all that are older (spec 3 §1.12). */
export const cleanupLogs: MaintenanceTask<LogCleanupPlan> = {
  name: "cleanup-logs",
  kind: "cleanupLogsStats",
  isVerified: false,
  plan: planLogCleanup,
  describe: (plan) => ({
    lines: [`delete ${plan.toDelete.length} logs, keep ${plan.retained.length}`],
    details: logStats(plan) ?? {},
    deletes: plan.toDelete,
  }),
  async execute(plan, { repository, observer }) {
    for (const { id } of plan.toDelete) await repository.storage.delete(id);
    observer.logsCleaned?.(plan.toDelete.length);
    return logStats(plan);
  },
};

async function planLogCleanup({ repository, parameters }: Cycle): Promise<LogCleanupPlan> {
  const { storage, clock } = repository;
  const logs = await collectAsync(storage.list(LOG_BLOB_PREFIX));
  return chooseLogs(logs, effectiveLogRetention(parameters), clock.now());
}

/** Newest first, until one limit is reached; a limit of 0 is none. */
export function chooseLogs(
  logs: readonly BlobMetadata[],
  limits: LogRetention,
  now: TimeNs,
): LogCleanupPlan {
  const newestFirst = logs.toSorted((a, b) =>
    a.timestamp < b.timestamp ? 1 : a.timestamp > b.timestamp ? -1 : 0,
  );
  let bytes = 0;
  let keep = 0;
  for (const { lengthBytes, timestamp } of newestFirst) {
    bytes += lengthBytes;
    if (limits.maxTotalSizeBytes > 0 && bytes > limits.maxTotalSizeBytes) break;
    if (limits.maxCount > 0 && keep >= limits.maxCount) break;
    if (limits.maxAgeNs > 0 && now - timestamp > BigInt(limits.maxAgeNs)) break;
    keep++;
  }
  return { toDelete: newestFirst.slice(keep), retained: newestFirst.slice(0, keep) };
}

function logStats({ toDelete, retained }: LogCleanupPlan): TaskStats {
  return {
    toDeleteBlobCount: toDelete.length,
    toDeleteBlobSize: totalBytes(toDelete),
    deletedBlobCount: toDelete.length,
    deletedBlobSize: totalBytes(toDelete),
    retainedBlobCount: retained.length,
    retainedBlobSize: totalBytes(retained),
  };
}
