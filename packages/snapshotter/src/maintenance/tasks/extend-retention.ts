import { KopiaError, type Repository } from "@kopia-engine/kopia-format";
import type { MaintenanceTask } from "../maintenance-task.ts";

/** Without blob retention there is nothing to extend (spec 3 §1.11); with it `assertNoRetention` refused before. */
export const extendRetention: MaintenanceTask<undefined> = {
  name: "extend-blob-retention-time",
  kind: "extendBlobRetentionStats",
  isVerified: false,
  plan: () => Promise.resolve(undefined),
  describe: () => ({ lines: ["nothing to do: blobs have no retention"], details: {} }),
  execute: () => Promise.resolve(null),
};

/**
 * Refuses the extension of object locks before the schedule moves on: left out silently, the locks would run out.
 * @throws KopiaError `NOT_IMPLEMENTED`.
 */
export function assertNoRetention({ format }: Repository): void {
  if (format.blobRetention.retentionMode === undefined) return;
  throw new KopiaError(
    "NOT_IMPLEMENTED",
    "maintenance is to extend object locks, which this program cannot do: run it with the original program, " +
      "or turn it off with maintenance set --extend-object-locks=false",
  );
}
