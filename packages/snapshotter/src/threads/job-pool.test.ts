import { expect, test } from "vitest";
import { JobPool, type JobPoolOptions } from "./job-pool.ts";
import type { StartThread, ThreadListener } from "./start-worker.ts";

/** Threads that answer only when told to. */
function manualThreads(): {
  readonly start: StartThread;
  readonly listeners: ThreadListener[];
  readonly posted: unknown[];
  readonly ended: number[];
} {
  const listeners: ThreadListener[] = [];
  const posted: unknown[] = [];
  const ended: number[] = [];
  const start: StartThread = (_init, listener) => {
    const number = listeners.push(listener);
    return {
      post: (job) => void posted.push(job),
      terminate: () => Promise.resolve(void ended.push(number)),
    };
  };
  return { start, listeners, posted, ended };
}

function poolOf(
  threads: ReturnType<typeof manualThreads>,
  options: Partial<JobPoolOptions<number, number>> = {},
): JobPool<number, number, string> {
  return new JobPool({
    runHere: (job) => job * 10,
    startThread: threads.start,
    init: {},
    maxThreads: 1,
    jobsBeforeThreads: 1,
    ...options,
  });
}

test("the first jobs and those beyond what threads can take are done here, the others are answered later", async () => {
  const threads = manualThreads();
  const pool = poolOf(threads);
  for (const job of [1, 2, 3, 4]) pool.execute(job, `job ${job}`);
  expect(threads.posted).toEqual([2, 3]);
  expect(pool.takeFinished()).toEqual([
    { context: "job 1", result: 10 },
    { context: "job 4", result: 40 },
  ]);
  threads.listeners[0]?.message(22);
  expect(await pool.wait()).toBe(true);
  expect(pool.takeFinished()).toEqual([{ context: "job 2", result: 22 }]);
  const waiting = pool.wait();
  threads.listeners[0]?.message(33);
  expect(await waiting).toBe(true);
  expect(pool.takeFinished()).toEqual([{ context: "job 3", result: 33 }]);
  expect(await pool.wait()).toBe(false);
  await pool.close();
  expect(threads.ended).toEqual([1]);
});

test("a thread that is wanted at once gets ready before the first job, and is the one that gets it", async () => {
  const threads = manualThreads();
  const pool = poolOf(threads, { jobsBeforeThreads: 0, maxThreads: 2 });
  pool.prepare();
  pool.prepare();
  expect(threads.listeners).toHaveLength(1);
  pool.execute(1, "one");
  expect([threads.listeners.length, threads.posted]).toEqual([1, [1]]);
  threads.listeners[0]?.message(11);
  await pool.close();
  expect(threads.ended).toEqual([1]);
});

test.each([{ jobsBeforeThreads: 1 }, { jobsBeforeThreads: 0, maxThreads: 0 }])(
  "no thread gets ready where jobs may never reach one: %o",
  async (options) => {
    const threads = manualThreads();
    const pool = poolOf(threads, options);
    pool.prepare();
    expect(threads.listeners).toHaveLength(0);
    await pool.close();
  },
);

test("a result that came while others were taken is not lost", async () => {
  const threads = manualThreads();
  const pool = poolOf(threads, { jobsBeforeThreads: 0 });
  pool.execute(1, "one");
  threads.listeners[0]?.message(11);
  expect(pool.pendingCount).toBe(0);
  expect(await pool.wait()).toBe(true);
  expect(pool.takeFinished()).toHaveLength(1);
  await pool.close();
});

test("what a crashed thread leaves is done here", async () => {
  const threads = manualThreads();
  const pool = poolOf(threads, { jobsBeforeThreads: 0 });
  pool.execute(1, "one");
  pool.execute(2, "two");
  const waiting = pool.wait();
  threads.listeners[0]?.crashed();
  expect(await waiting).toBe(true);
  expect(pool.takeFinished().map(({ result }) => result)).toEqual([10, 20]);
  await pool.close();
});

test("a fault in a job ends the waiting with that fault", async () => {
  const pool = poolOf(manualThreads(), {
    runHere: () => {
      throw new TypeError("a fault");
    },
  });
  pool.execute(1, "one");
  expect(await pool.wait()).toBe(true);
  expect(() => pool.takeFinished()).toThrow("a fault");
  await pool.close();
});

test("closing waits for what is under way, without doing more than that", async () => {
  const threads = manualThreads();
  const pool = poolOf(threads, { jobsBeforeThreads: 0 });
  pool.execute(1, "one");
  const closing = pool.close();
  expect(threads.ended).toEqual([]);
  threads.listeners[0]?.message(1);
  await closing;
  expect(threads.ended).toEqual([1]);
});
