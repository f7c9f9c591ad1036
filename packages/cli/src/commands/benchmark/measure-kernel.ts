import { Worker } from "node:worker_threads";
import { prepareKernel, type KernelSpec } from "@kopia-engine/kopia-format/benchmark";

// Beside this file: as source, compiled, or as an entry of the bundle.
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const WORKER_ENTRY = new URL(`./benchmark-worker.${EXTENSION}`, import.meta.url);

/** How long a kernel is measured. */
export interface MeasureOptions {
  readonly repeat: number;
  /** Threads that each do all repetitions; their bytes are counted together. */
  readonly parallel: number;
}

/** What a worker starts with. */
export interface KernelRun {
  readonly spec: KernelSpec;
  readonly repeat: number;
}

/** Bytes per second of a kernel, 0 when nothing is to be done. The first pass is not counted. */
export async function measureKernel(spec: KernelSpec, options: MeasureOptions): Promise<number> {
  const { repeat, parallel } = options;
  if (repeat < 1 || parallel < 1) return 0;
  if (parallel === 1) return throughputOf(await prepared({ spec, repeat }));
  const workers = Array.from(
    { length: parallel },
    () => new Worker(WORKER_ENTRY, { workerData: { spec, repeat } satisfies KernelRun }),
  );
  try {
    // All are ready before the first begins.
    const passBytes = await Promise.all(workers.map(nextMessage));
    const start = stopwatchMs();
    const ends = workers.map(nextMessage);
    for (const worker of workers) worker.postMessage("go", []);
    await Promise.all(ends);
    const seconds = (stopwatchMs() - start) / 1000;
    return passBytes.reduce((sum, bytes) => sum + bytes, 0) / seconds;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** A kernel that has been run once, with all its repetitions and their bytes. */
export async function prepared({ spec, repeat }: KernelRun): Promise<{
  readonly passBytes: number;
  readonly runAll: () => void;
}> {
  const kernel = await prepareKernel(spec);
  kernel.run();
  const runAll = (): void => {
    for (let i = 0; i < repeat; i++) kernel.run();
  };
  return { passBytes: kernel.passBytes * repeat, runAll };
}

function throughputOf(run: Awaited<ReturnType<typeof prepared>>): number {
  const start = stopwatchMs();
  run.runAll();
  return (run.passBytes * 1000) / (stopwatchMs() - start);
}

function nextMessage(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function stopwatchMs(): number {
  // oxlint-disable-next-line no-restricted-globals -- durations of microseconds, which the clock does not tell
  return performance.now();
}
