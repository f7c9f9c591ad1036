import { type Repository, errorMessage, isKopiaError } from "@kopia-engine/kopia-format";
import { type MaintenanceObserver, runMaintenance } from "@kopia-engine/snapshotter";
import type { JobContext } from "./job-context.ts";

/** Tells the log what maintenance does, and ends it between two tasks when the Job is being terminated. */
export function maintenanceObserver({ log, progressed, signal }: JobContext): MaintenanceObserver {
  return {
    started: (mode) => log.info(`Running ${mode} maintenance...`),
    taskStarted: (task) => {
      signal.throwIfAborted();
      progressed();
      log.info(`Maintenance task: ${task}`);
    },
    note: (message) => log.warn(message),
    finished: (mode) => log.info(`Finished ${mode} maintenance.`),
  };
}

/**
 * Maintains after a backup when this identity owns maintenance and the schedule says so, as
 * `snapshot create` does (spec 3 §1.16). The backup is stored by then: a failure is a warning.
 */
export async function maintainAfterBackup(
  repository: Repository,
  context: JobContext,
): Promise<void> {
  if (context.signal.aborted) return;
  try {
    await repository.refresh();
    const observer = maintenanceObserver(context);
    await runMaintenance({ repository, mode: "auto", observer });
  } catch (error) {
    if (isKopiaError(error, "MAINTENANCE_NOT_OWNED")) context.log.debug(error.message);
    else context.log.warn(`Maintenance after the backup failed: ${errorMessage(error)}`);
  }
}
