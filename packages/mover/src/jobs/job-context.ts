import type { Clock } from "@kopia-engine/kopia-format";
import type { Environment } from "../environment/environment.ts";
import type { MoverLog } from "../log/mover-log.ts";
import type { JobMetrics } from "../metrics/job-metrics.ts";

/** What a job gets besides its own settings. */
export interface JobContext {
  readonly log: MoverLog;
  /** The process's variables: default directories, locale of paths. */
  readonly env: Environment;
  /** Aborted by SIGTERM and by time limits: the upload stops in an orderly way. */
  readonly signal: AbortSignal;
  /** IANA zone for retention (spec 2 §8.5). */
  readonly timeZone: string;
  readonly clock: Clock;
  readonly metrics: JobMetrics;
  /** Something went on: postpones the idle limit. */
  readonly progressed: () => void;
}

/** How a job ended: the exit code of the container (spec 4 §2.10). */
export interface JobResult {
  readonly exitCode: number;
  readonly succeeded: boolean;
  /** Lines for the closing summary, `NAME: value`. */
  readonly summary?: readonly string[];
}

/** Everything went well. */
export const JOB_SUCCEEDED: JobResult = { exitCode: 0, succeeded: true };
/** Exit code of a job stopped by SIGTERM before it was complete. */
export const TERMINATED_EXIT_CODE = 143;
/** Exit code when SIGTERM came with a cache that is (nearly) full (spec 4 §2.10). */
export const CACHE_EXHAUSTED_EXIT_CODE = 137;
