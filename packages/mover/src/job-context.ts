import type { Environment } from "./environment.ts";
import type { MoverLog } from "./mover-log.ts";

/** What a job gets besides its own settings. */
export interface JobContext {
  readonly log: MoverLog;
  /** The process's variables: default directories, locale of paths. */
  readonly env: Environment;
  /** Aborted by SIGTERM: the upload stops in an orderly way. */
  readonly signal: AbortSignal;
  /** IANA zone for retention (spec 2 §8.5). */
  readonly timeZone: string;
}

/** How a job ended: the exit code of the container (spec 4 §2.10). */
export interface JobResult {
  readonly exitCode: number;
  readonly succeeded: boolean;
}

/** Everything went well. */
export const JOB_SUCCEEDED: JobResult = { exitCode: 0, succeeded: true };
/** Exit code of a job stopped by SIGTERM before it was complete. */
export const TERMINATED_EXIT_CODE = 143;
