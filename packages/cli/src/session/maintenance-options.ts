import { tryLockFile } from "@kopia-engine/kopia-format";
import {
  DEFAULT_BREAKER,
  parseBreaker,
  type MaintenanceObserver,
  type RunMaintenanceOptions,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../command-context.ts";
import { connectionPath } from "./open-session.ts";

/** Sets the breaker for all runs; see docs/MAINTENANCE.md. */
export const BREAKER_VARIABLE = "KOPIA_ENGINE_MAINTENANCE_BREAKER";

/** What the environment and the connection of this run say about maintenance. */
export function maintenanceSettings(
  context: CommandContext,
): Pick<
  RunMaintenanceOptions,
  "breaker" | "ignoreRewriteErrors" | "verifyPercent" | "lock" | "observer"
> {
  const { env } = context.io;
  const breaker = env[BREAKER_VARIABLE] ?? "";
  const verifyPercent = Number(env["KOPIA_MAINTENANCE_CONTENT_VERIFY_PERCENTAGE"] ?? "");
  const lockPath = `${connectionPath(context)}.mlock`;
  return {
    breaker: breaker === "" ? DEFAULT_BREAKER : parseBreaker(breaker),
    ignoreRewriteErrors: (env["KOPIA_IGNORE_MAINTENANCE_REWRITE_ERROR"] ?? "") !== "",
    // As in Kopia, a text that is no number means no checks.
    verifyPercent: Number.isFinite(verifyPercent) ? verifyPercent : 0,
    lock: () => Promise.resolve(tryLockFile(lockPath)),
    observer: maintenanceMessages(context),
  };
}

const TASK_MESSAGES: Readonly<Record<string, string>> = {
  "compact-single-epoch": "Compacting an eligible uncompacted epoch...",
  "advance-epoch": "Advancing epoch markers...",
  "generate-epoch-range-index": "Attempting to compact a range of epoch indexes ...",
  "cleanup-epoch-markers": "Cleaning up unneeded epoch markers...",
  "delete-superseded-epoch-indexes":
    "Cleaning up old index blobs which have already been compacted...",
};

/** Tells on stderr what maintenance does, in Kopia's words. */
function maintenanceMessages({ log, formatBytes }: CommandContext): MaintenanceObserver {
  return {
    started: (mode) => log.info(`Running ${mode} maintenance...`),
    collected(plan) {
      const lines = [
        ["found", "unused contents", plan.unreferenced],
        ["found", "unused contents that are too recent to delete", plan.unreferencedRecent],
        ["found", "in-use contents", plan.inUse],
        ["found", "in-use system-contents", plan.inUseSystem],
        ["undeleted", "contents", plan.recovered],
      ] as const;
      for (const [verb, what, { count, bytes }] of lines) {
        log.info(`GC ${verb} ${count} ${what} (${formatBytes(bytes)})`);
      }
    },
    taskStarted(task) {
      const message = TASK_MESSAGES[task];
      if (message !== undefined) log.info(message);
    },
    logsCleaned: (count) => log.info(`Cleaned up ${count} logs.`),
    finished: (mode) => log.info(`Finished ${mode} maintenance.`),
    note: (message) => log.warning(message),
  };
}
