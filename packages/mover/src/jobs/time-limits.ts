import type { TimeLimits } from "../environment/environment.ts";
import type { JobContext } from "./job-context.ts";

/** As `timeout` of the core utilities. */
const TIMED_OUT_EXIT_CODE = 124;

/** Which limit ended a job, if one did. */
export interface TimeLimit {
  expired?: number;
}

/** What a limited job gets in place of the process's own. */
export interface Limited {
  readonly signal: AbortSignal;
  readonly progressed: () => void;
  readonly limit: TimeLimit;
}

/**
 * Runs a job with an overall limit and a limit on time without progress. When one is reached the job is
 * aborted as by SIGTERM: what was stored is reused by the next run.
 */
export async function withTimeLimits<T>(
  { overallMs, idleMs }: TimeLimits,
  { signal, clock, log }: Pick<JobContext, "signal" | "clock" | "log">,
  run: (limited: Limited) => Promise<T>,
): Promise<T> {
  const limit: TimeLimit = {};
  const expired = new AbortController();
  const finished = new AbortController();
  let lastProgress = clock.now();
  const expire = (text: string): void => {
    if (finished.signal.aborted) return;
    limit.expired = TIMED_OUT_EXIT_CODE;
    log.error(text);
    expired.abort(new Error(text));
  };
  const ignoreEnd = (): void => {};
  if (overallMs !== undefined)
    void clock
      .sleep(overallMs, finished.signal)
      .then(() => expire(`KOPIA_TIMEOUT: no end after ${overallMs / 1000} s`), ignoreEnd);
  if (idleMs !== undefined) void watchIdle().catch(ignoreEnd);
  try {
    return await run({
      signal: AbortSignal.any([signal, expired.signal]),
      progressed: () => (lastProgress = clock.now()),
      limit,
    });
  } finally {
    finished.abort();
  }

  async function watchIdle(): Promise<void> {
    for (;;) {
      const idle = Number((clock.now() - lastProgress) / 1_000_000n);
      const left = (idleMs ?? 0) - idle;
      if (left <= 0) {
        expire(`KOPIA_IDLE_TIMEOUT: no progress for ${Math.round(idle / 1000)} s`);
        return;
      }
      await clock.sleep(left, finished.signal);
    }
  }
}
