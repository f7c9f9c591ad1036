import { GO_ZERO_TIME, formatGoTime } from "@kopia-engine/kopia-format";
import type { MaintenanceTask } from "../maintenance-task.ts";
import { refreshTrusted } from "../trusted-storage.ts";

/** Fewer small index blobs than this are left alone (spec 3 §1.14). */
const MAX_SMALL_BLOBS = 8;

/** Merges small index blobs of the older scheme; nothing is dropped. */
export const compactV0Indexes: MaintenanceTask<number> = {
  name: "index-compaction",
  kind: "compactIndexesStats",
  isVerified: true,
  plan: ({ repository }) => Promise.resolve(repository.contents.indexBlobs().length),
  describe(count) {
    const acts = count < MAX_SMALL_BLOBS ? "nothing to do for" : "merge the small ones of";
    return { lines: [`${acts} ${count} index blobs`], details: { indexBlobCount: count } };
  },
  async execute(_count, cycle) {
    if (cycle.upkeep.scheme !== "v0") return null;
    const result = await cycle.upkeep.v0.compact({
      maxSmallBlobs: MAX_SMALL_BLOBS,
      safety: cycle.safetyName,
    });
    if (result === undefined) return null;
    await refreshTrusted(cycle, new Set(result.inputs.map(({ id }) => id)));
    return { droppedContentsDeletedBefore: formatGoTime(GO_ZERO_TIME) };
  },
};
