import { localTimeZone, systemClock } from "@kopia-engine/kopia-format";
import { debugSession } from "./debug-session.ts";
import type { Environment } from "./environment/environment.ts";
import type { MoverLog } from "./log/mover-log.ts";
import { writeTerminationMessage } from "./log/termination-message.ts";
import { JobMetrics } from "./metrics/job-metrics.ts";
import { writeMetrics } from "./metrics/write-metrics.ts";
import { directionOf, runMover } from "./run-mover.ts";

/** What the start of the process has set up. */
export interface StartedProcess {
  readonly log: MoverLog;
  readonly env: Environment;
  /** Aborted by SIGTERM. */
  readonly signal: AbortSignal;
  /** The end of the log, still growing. */
  readonly lastLines: readonly string[];
}

/** Runs the Job of the arguments and the environment; returns the exit code. */
export async function runMoverProcess(
  args: readonly string[],
  { log, env, signal, lastLines }: StartedProcess,
): Promise<number> {
  if (env["DEBUG_MOVER"] === "1") {
    await debugSession({ log, clock: systemClock, signal });
    return 0;
  }
  const metrics = new JobMetrics();
  const exitCode = await runMover(args, {
    log,
    env,
    signal,
    metrics,
    clock: systemClock,
    timeZone: localTimeZone(),
    version: env["version"] ?? "unknown",
  });
  writeTerminationMessage(env["KOPIA_TERMINATION_LOG"] ?? "/dev/termination-log", lastLines);
  await writeMetrics(metrics.families(), env, { log, direction: directionOf(args, env) });
  return exitCode;
}
