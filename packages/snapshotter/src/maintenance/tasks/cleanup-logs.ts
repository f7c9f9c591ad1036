import { collectAsync, type BlobMetadata, type Repository } from "@kopia-engine/kopia-format";
import type { LogRetention } from "../../model/maintenance-parameters.ts";
import { DEFAULT_MAINTENANCE_PARAMETERS } from "../../model/maintenance-parameters.ts";

/** Logs that are too many, too large or too old. */
export interface LogCleanupPlan {
  readonly toDelete: readonly BlobMetadata[];
  readonly retained: readonly BlobMetadata[];
}

/** Finds logs beyond the limits: the first one and all that are older (spec 3 §1.12); changes nothing. */
export async function planLogCleanup(
  { storage, clock }: Repository,
  retention: LogRetention,
): Promise<LogCleanupPlan> {
  const { maxTotalSizeBytes: size, maxCount: count, maxAgeNs: age } = retention;
  const limits =
    size === 0 && count === 0 && age === 0
      ? DEFAULT_MAINTENANCE_PARAMETERS.logRetention
      : retention;
  const logs = (await collectAsync(storage.list("_log_"))).sort((a, b) =>
    a.timestamp < b.timestamp ? 1 : a.timestamp > b.timestamp ? -1 : 0,
  );
  const now = clock.now();
  let totalBytes = 0;
  let keep = 0;
  for (const { lengthBytes, timestamp } of logs) {
    totalBytes += lengthBytes;
    if (limits.maxTotalSizeBytes > 0 && totalBytes > limits.maxTotalSizeBytes) break;
    if (limits.maxCount > 0 && keep >= limits.maxCount) break;
    if (limits.maxAgeNs > 0 && now - timestamp > BigInt(limits.maxAgeNs)) break;
    keep++;
  }
  return { toDelete: logs.slice(keep), retained: logs.slice(0, keep) };
}
