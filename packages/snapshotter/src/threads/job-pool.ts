import type { StartThread, ThreadPort } from "./start-worker.ts";

/** What a job pool works with. */
export interface JobPoolOptions<Job, Result> {
  /** Does a job in this thread. Must give the same result as the threads, and may be asked to do a job again. */
  readonly runHere: (job: Job, stop: Int32Array) => Result;
  readonly startThread: StartThread;
  /** Given to every thread, with the word that stops it. */
  readonly init: object;
  /** Threads beside this one. */
  readonly maxThreads: number;
  /** Jobs that this thread does before it starts others: small tasks are not worth a thread. Default 4. */
  readonly jobsBeforeThreads?: number;
  /** Jobs that a thread has at once. Default 2: one at work, and one that is ready when that is done. */
  readonly jobsPerThread?: number;
}

/** What threads are started with. */
export interface JobThreadInit {
  /** One word in shared memory: not 0 when no result is wanted any more. */
  readonly stop: Int32Array;
}

/** A result, with what was given along with its job. */
export interface FinishedJob<Result, Context> {
  readonly context: Context;
  readonly result: Result;
}

interface Task<Job, Context> {
  readonly job: Job;
  readonly context: Context;
}

interface Thread<Job, Context> {
  port: ThreadPort | undefined;
  /** In order of posting, which is the order of the answers. */
  readonly tasks: Task<Job, Context>[];
}

const JOBS_PER_THREAD = 2;
const JOBS_BEFORE_THREADS = 4;

/**
 * Spreads jobs over threads, and over the calling thread, which does a job itself when all others have enough to do:
 * so every core works, and no more jobs are in flight than that takes. Jobs must not depend on one another. What a
 * crashed thread leaves is done here: a thread that cannot be, or runs out of memory, costs time only.
 */
export class JobPool<Job, Result, Context> {
  readonly #options: JobPoolOptions<Job, Result>;
  readonly #stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #threads: Thread<Job, Context>[] = [];
  #finished: FinishedJob<Result, Context>[] = [];
  #jobsBeforeThreads: number;
  #isClosed = false;
  #wake: (() => void) | undefined;
  /** A fault of the program in a job. */
  #fault: { readonly error: unknown } | undefined;

  constructor(options: JobPoolOptions<Job, Result>) {
    this.#options = options;
    this.#jobsBeforeThreads = options.jobsBeforeThreads ?? JOBS_BEFORE_THREADS;
  }

  /** Jobs whose results are still to come. */
  get pendingCount(): number {
    return this.#threads.reduce((count, { tasks }) => count + tasks.length, 0);
  }

  /** Starts the first thread ahead of its first job, where jobs go to threads at once: it gets ready beside what comes before. */
  prepare(): void {
    const { maxThreads } = this.#options;
    const isWanted = this.#jobsBeforeThreads <= 0 && maxThreads > 0;
    if (isWanted && this.#threads.length === 0) this.#startThread();
  }

  /** Hands a job to a thread, or does it. The result comes from `takeFinished`, after the next turn of the event loop. */
  execute(job: Job, context: Context): void {
    const task = { job, context };
    const thread = this.#jobsBeforeThreads-- > 0 ? undefined : this.#freeThread();
    if (thread === undefined) return this.#runHere(task);
    thread.tasks.push(task);
    thread.port?.post(job);
  }

  /** The results since the last call, in no promised order. @throws what a job threw, which none should. */
  takeFinished(): FinishedJob<Result, Context>[] {
    if (this.#fault !== undefined) throw this.#fault.error;
    const finished = this.#finished;
    this.#finished = [];
    return finished;
  }

  /** Waits for a result. @returns false when none is there to be taken, and none is to come. */
  async wait(): Promise<boolean> {
    while (this.#finished.length === 0 && this.pendingCount > 0 && this.#fault === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#finished.length > 0 || this.#fault !== undefined;
  }

  /** Ends the threads. Jobs in flight end early, and in order: nothing is left half done. */
  async close(): Promise<void> {
    Atomics.store(this.#stop, 0, 1);
    this.#isClosed = true;
    while (this.pendingCount > 0 && this.#fault === undefined) {
      await this.wait();
      this.#finished = [];
    }
    for (const { port } of this.#threads) await port?.terminate();
  }

  /** The thread with the least to do, if it can take more; a new one when all have something. */
  #freeThread(): Thread<Job, Context> | undefined {
    let least: Thread<Job, Context> | undefined;
    for (const thread of this.#threads) {
      if (thread.port === undefined) continue;
      if (least === undefined || thread.tasks.length < least.tasks.length) least = thread;
    }
    if (least?.tasks.length === 0) return least;
    const { maxThreads, jobsPerThread = JOBS_PER_THREAD } = this.#options;
    if (this.#threads.length < maxThreads) return this.#startThread();
    return least !== undefined && least.tasks.length < jobsPerThread ? least : undefined;
  }

  #startThread(): Thread<Job, Context> {
    const thread: Thread<Job, Context> = { port: undefined, tasks: [] };
    this.#threads.push(thread);
    const init = { ...this.#options.init, stop: this.#stop };
    thread.port = this.#options.startThread(init, {
      message: (result) => {
        const task = thread.tasks.shift();
        if (task === undefined) return;
        this.#finish({ context: task.context, result: result as Result });
      },
      crashed: () => {
        thread.port = undefined;
        for (const task of thread.tasks.splice(0)) this.#runHere(task);
        this.#wakeUp();
      },
    });
    return thread;
  }

  #runHere({ job, context }: Task<Job, Context>): void {
    // What a thread left when it crashed after the end is not wanted.
    if (this.#isClosed) return;
    try {
      this.#finish({ context, result: this.#options.runHere(job, this.#stop) });
    } catch (error) {
      this.#fault ??= { error };
      this.#wakeUp();
    }
  }

  #finish(finished: FinishedJob<Result, Context>): void {
    this.#finished.push(finished);
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
