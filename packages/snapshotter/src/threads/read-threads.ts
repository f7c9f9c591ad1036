import { availableParallelism } from "node:os";
import type { StartThread } from "./start-worker.ts";

/** More threads than this were never faster: storage and file system are the limit then. */
const MAX_THREADS = 4;

/** How contents are read by threads. */
export interface ReadThreadOptions {
  /** Threads in all; 1 reads in the calling thread alone. Default: one for each core, at most 4. */
  readonly threads?: number | undefined;
  /** For tests. */
  readonly startThread?: StartThread | undefined;
  /** Jobs of about 500 files or 16 MiB that the calling thread does before it starts others. Default 4. */
  readonly jobsBeforeThreads?: number | undefined;
}

/** The part of a job pool's options that is the same for all that read. */
export function threadPoolOptions(
  { threads, startThread, jobsBeforeThreads }: ReadThreadOptions,
  startWorker: StartThread,
): {
  readonly startThread: StartThread;
  readonly maxThreads: number;
  readonly jobsBeforeThreads?: number;
} {
  const inAll = Math.min(threads ?? MAX_THREADS, MAX_THREADS);
  // Threads that were asked for by a test come on one core too.
  const usable = startThread === undefined ? Math.min(inAll, availableParallelism()) : inAll;
  return {
    startThread: startThread ?? startWorker,
    maxThreads: Math.max(0, usable - 1),
    ...(jobsBeforeThreads === undefined ? {} : { jobsBeforeThreads }),
  };
}
