import { accessSync, constants, existsSync } from "node:fs";
import { KopiaError } from "@kopia-engine/kopia-format";
import { makeCacheDirectory, measureCache } from "./connect/cache-directory.ts";
import type { Direction, Environment, MoverEnvironment } from "./environment/environment.ts";
import { readMoverEnvironment } from "./environment/read-environment.ts";
import { runBackup } from "./jobs/backup.ts";
import { runDrill } from "./jobs/drill.ts";
import {
  CACHE_EXHAUSTED_EXIT_CODE,
  JOB_SUCCEEDED,
  type JobContext,
  type JobResult,
  TERMINATED_EXIT_CODE,
} from "./jobs/job-context.ts";
import { runMaintenanceJob } from "./jobs/maintenance.ts";
import { runReport } from "./jobs/report.ts";
import { runRestore } from "./jobs/restore.ts";
import { runVerify } from "./jobs/verify.ts";
import { type TimeLimit, withTimeLimits } from "./jobs/time-limits.ts";
import { explain } from "./log/explain.ts";
import { printEnvironment } from "./log/environment-block.ts";
import { peakMemoryBytes } from "./log/peak-memory.ts";

/** Words of `DIRECTION` (spec 4 §2.2); the last three are ours. */
const DIRECTIONS: Readonly<Record<string, Direction>> = {
  source: "backup",
  destination: "restore",
  maintenance: "maintenance",
  drill: "drill",
  verify: "verify",
  report: "report",
};
/** Words of arguments. */
const OPERATIONS: Readonly<Record<string, Direction>> = {
  backup: "backup",
  restore: "restore",
  drill: "drill",
  verify: "verify",
  report: "report",
};

const JOBS: Readonly<
  Record<Direction, (job: MoverEnvironment, context: JobContext) => Promise<JobResult>>
> = {
  backup: runBackup,
  restore: runRestore,
  maintenance: runMaintenanceJob,
  drill: runDrill,
  verify: runVerify,
  report: runReport,
};

/** What to say when a job failed with an error, before its cause (spec 4 §2.12, the operator's phrases). */
const FAILURES: Readonly<Record<Direction, string>> = {
  backup: "Failed to create snapshot",
  restore: "Failed to restore snapshot",
  maintenance: "Maintenance failed",
  drill: "Restore drill failed",
  verify: "Verification failed",
  report: "Report failed",
};

const NEARLY_FULL_PERCENT = 90;

/** What the process adds to a context. */
export interface MoverProcess extends Omit<JobContext, "progressed"> {
  readonly version: string;
}

/**
 * Runs what the Job asks for and returns the container's exit code: 0 done, 1 failed, 2 unknown argument, 3
 * shrink guard, 137 and 143 stopped by SIGTERM (spec 4 §2.10). Never throws; everything is logged.
 */
export async function runMover(args: readonly string[], context: MoverProcess): Promise<number> {
  const { log, env, clock, metrics } = context;
  const startTime = clock.now();
  log.info(`VolSync kopia container version: ${context.version}`);
  log.info(`Arguments: ${args.join(" ")}`);
  printEnvironment(env, log);
  const direction = env["DIRECTION"] ?? "";
  let result = JOB_SUCCEEDED;
  if (direction !== "" && DIRECTIONS[direction] === undefined)
    result = unknown(`DIRECTION ${direction}`, context);
  else if (direction !== "") result = await runOne(DIRECTIONS[direction] ?? "backup", context);
  else
    for (const word of args) {
      result = await runWord(word, context);
      if (result.exitCode !== 0) break;
    }
  const memoryBytes = peakMemoryBytes();
  const labels = { direction: directionOf(args, env) };
  const endSeconds = Number(clock.now() / 1_000_000n) / 1000;
  metrics.set("kopia_mover_last_run_exit_code", result.exitCode, labels);
  metrics.set("kopia_mover_last_run_timestamp_seconds", endSeconds, labels);
  metrics.set("kopia_mover_duration_seconds", Number(clock.now() - startTime) / 1e9, labels);
  metrics.set("kopia_mover_peak_memory_bytes", memoryBytes, labels);
  printSummary(result, { ...context, direction, memoryBytes });
  return result.exitCode;
}

/** What a Job does, for labels of its metrics: by `DIRECTION`, else by its first argument. */
export function directionOf(args: readonly string[], env: Environment): string {
  return DIRECTIONS[env["DIRECTION"] ?? ""] ?? OPERATIONS[args[0] ?? ""] ?? "none";
}

function printSummary(
  result: JobResult,
  { log, direction, memoryBytes }: MoverProcess & { direction: string; memoryBytes: number },
): void {
  log.info("=== OPERATION SUMMARY ===");
  log.info(`OPERATION_TYPE: ${direction === "" ? "unknown" : direction}`);
  log.info(`OPERATION_RESULT: ${result.succeeded ? "SUCCESS" : "FAILURE"}`);
  for (const line of result.summary ?? []) log.info(line);
  log.info(`PEAK_MEMORY_BYTES: ${memoryBytes}`);
  log.info(`EXIT_CODE: ${result.exitCode}`);
  log.info("=== Done ===");
}

async function runWord(word: string, context: MoverProcess): Promise<JobResult> {
  const operation = OPERATIONS[word];
  if (operation !== undefined) return await runOne(operation, context);
  if (word !== "maintenance") return unknown(word, context);
  context.log.fatal(
    "maintenance is not an argument any more: use a KopiaMaintenance resource, or DIRECTION=maintenance",
  );
  return { exitCode: 1, succeeded: false };
}

function unknown(word: string, { log }: MoverProcess): JobResult {
  log.fatal(`unknown operation: ${word}`);
  return { exitCode: 2, succeeded: false };
}

async function runOne(direction: Direction, context: MoverProcess): Promise<JobResult> {
  const { log } = context;
  let job: MoverEnvironment;
  try {
    log.info("Testing mandatory env variables");
    job = readMoverEnvironment(context.env, direction);
    checkDirectories(job, direction);
  } catch (error) {
    explain(error, context.log);
    return { exitCode: 1, succeeded: false };
  }
  let limit: TimeLimit | undefined;
  try {
    return await withTimeLimits(job.time, context, (limited) => {
      limit = limited.limit;
      limited.signal.throwIfAborted();
      return JOBS[direction](job, { ...context, ...limited });
    });
  } catch (error) {
    log.error(FAILURES[direction]);
    explain(error, context.log);
    return { exitCode: failureCode(job, context, limit), succeeded: false };
  }
}

function failureCode(job: MoverEnvironment, context: MoverProcess, limit?: TimeLimit): number {
  if (limit?.expired !== undefined) return limit.expired;
  if (!context.signal.aborted) return 1;
  const usage = measureCache(job.cacheDirectory, job.cache);
  if (usage === undefined || usage.usedPercent < NEARLY_FULL_PERCENT) return TERMINATED_EXIT_CODE;
  context.log.plain("ERROR: CACHE EXHAUSTION DETECTED");
  context.log.plain(
    `The cache is ${usage.usedPercent}% full (${usage.usedBytes} of ${usage.capacityBytes} bytes): raise cacheCapacity.`,
  );
  return CACHE_EXHAUSTED_EXIT_CODE;
}

/** Checks what the Job mounted before anything is touched (spec 4 §2.1 steps 10 and 11). */
function checkDirectories(job: MoverEnvironment, direction: Direction): void {
  try {
    makeCacheDirectory(job.cacheDirectory);
    accessSync(job.cacheDirectory, constants.W_OK);
  } catch (cause) {
    // A full cache volume is done without later; one that may not be written is a mistake in the Job.
    if (!isFull(cause))
      throw new KopiaError(
        "MOVER_ENVIRONMENT",
        `Cache directory ${job.cacheDirectory} is not writable`,
        { cause },
      );
  }
  const needsData = direction === "backup" || direction === "restore";
  if (needsData && !existsSync(job.dataDirectory))
    throw new KopiaError("MOVER_ENVIRONMENT", `Data directory ${job.dataDirectory} does not exist`);
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOSPC";
}
