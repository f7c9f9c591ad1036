import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { KopiaError, errorMessage, isKopiaError } from "@kopia-engine/kopia-format";
import { runBackup } from "./backup.ts";
import { type Direction, type MoverEnvironment, readMoverEnvironment } from "./environment.ts";
import { JOB_SUCCEEDED, type JobContext, type JobResult } from "./job-context.ts";
import { runRestore } from "./restore.ts";

/** Words of `DIRECTION` and of the argument (spec 4 §2.2). */
const DIRECTIONS: Readonly<Record<string, Direction>> = {
  backup: "backup",
  restore: "restore",
  source: "backup",
  destination: "restore",
};

/**
 * Runs what the Job asks for and returns the container's exit code: 0 done, 1 failed, 2 unknown
 * argument, 143 stopped by SIGTERM (spec 4 §2.10). Never throws; everything is logged.
 */
export async function runMover(args: readonly string[], context: JobContext): Promise<number> {
  const { log, env } = context;
  log.plain("Starting kopia mover container");
  const direction = env["DIRECTION"] ?? "";
  const words = direction === "" ? args : [direction];
  let result = JOB_SUCCEEDED;
  for (const word of words) {
    result = await runOne(word, context);
    if (result.exitCode !== 0) break;
  }
  log.info("=== OPERATION SUMMARY ===");
  log.info(`OPERATION_TYPE: ${words.length === 0 ? "unknown" : words.join(" ")}`);
  log.info(`OPERATION_RESULT: ${result.succeeded ? "SUCCESS" : "FAILURE"}`);
  log.info(`PEAK_MEMORY_BYTES: ${process.resourceUsage().maxRSS * 1024}`);
  log.info(`EXIT_CODE: ${result.exitCode}`);
  log.info("=== Done ===");
  return result.exitCode;
}

async function runOne(word: string, context: JobContext): Promise<JobResult> {
  const direction = DIRECTIONS[word];
  if (direction === undefined) {
    if (word === "maintenance") {
      fatal(context, "maintenance is not available in this mover yet");
      return { exitCode: 1, succeeded: false };
    }
    fatal(context, `unknown operation: ${word}`);
    return { exitCode: 2, succeeded: false };
  }
  try {
    const job = readMoverEnvironment(context.env, direction);
    checkDirectories(job);
    return direction === "backup" ? await runBackup(job, context) : await runRestore(job, context);
  } catch (error) {
    explain(error, direction, context);
    return { exitCode: context.signal.aborted ? 143 : 1, succeeded: false };
  }
}

/** Checks what the Job mounted before anything is touched (spec 4 §2.1 steps 10 and 11). */
function checkDirectories(job: MoverEnvironment): void {
  if (!existsSync(job.dataDirectory))
    throw new KopiaError("MOVER_ENVIRONMENT", `Data directory ${job.dataDirectory} does not exist`);
  try {
    mkdirSync(job.cacheDirectory, { recursive: true });
    accessSync(job.cacheDirectory, constants.W_OK);
  } catch (cause) {
    throw new KopiaError(
      "MOVER_ENVIRONMENT",
      `Cache directory ${job.cacheDirectory} is not writable`,
      { cause },
    );
  }
}

/** What failed, with its causes and what to do: the operator keeps only the log's end (spec 4 §2.11). */
function explain(error: unknown, direction: Direction, context: JobContext): void {
  if (!isKopiaError(error, "MOVER_ENVIRONMENT"))
    context.log.error(
      direction === "backup" ? "Failed to create snapshot" : "Failed to restore snapshot",
    );
  const texts: string[] = [];
  for (
    let at: unknown = error;
    at !== undefined && texts.length < 5;
    at = at instanceof Error ? at.cause : undefined
  )
    if (!texts.includes(errorMessage(at))) texts.push(errorMessage(at));
  fatal(context, texts.join(": "));
  if (isKopiaError(error)) context.log.plain(error.advice);
}

/** Fatal errors stand on standard output, after a blank line (spec 4 §2.1). */
function fatal({ log }: JobContext, text: string): void {
  log.plain("");
  log.plain(`ERROR: ${text}`);
}
