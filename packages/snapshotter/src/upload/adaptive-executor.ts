import { threadSetupOf, type ThreadSetup, type WriteSession } from "@kopia-engine/kopia-format";
import { createInlineExecutor } from "./inline-executor.ts";
import { startUploadWorker, type StartUploadThread } from "./start-upload-worker.ts";
import type {
  UploadActivity,
  UploadBatch,
  UploadBatchObserver,
  UploadExecutor,
  UploadItemResult,
} from "./upload-executor.ts";
import { UploadPool } from "./upload-pool.ts";

/** How an adaptive executor decides. */
export interface AdaptiveExecutorOptions {
  readonly session: WriteSession;
  /** Threads at most, this one included; below 2 everything stays on it. */
  readonly maxThreads: number;
  /** Default: workers. */
  readonly startThread?: StartUploadThread;
  /** Files after which threads are worth their start. */
  readonly itemsBeforeThreads?: number;
  /** Bytes after which they are. */
  readonly bytesBeforeThreads?: number;
}

const ITEMS_BEFORE_THREADS = 2000;
const BYTES_BEFORE_THREADS = 2 ** 26;

/**
 * Stores on this thread until the upload proves large, then on threads where the repository allows it;
 * else it is an inline executor.
 */
export function createAdaptiveExecutor(options: AdaptiveExecutorOptions): UploadExecutor {
  const setup = options.maxThreads < 2 ? undefined : threadSetupOf(options.session);
  // Without a cutter large files can only be stored by one writer.
  if (setup === undefined || options.session.objects.createCutter() === undefined)
    return createInlineExecutor(options.session);
  return new AdaptiveExecutor(options, setup);
}

class AdaptiveExecutor implements UploadExecutor {
  readonly #options: AdaptiveExecutorOptions;
  readonly #setup: ThreadSetup;
  readonly #inline: UploadExecutor;
  #remainingItems: number;
  #remainingBytes: number;
  #pool: UploadPool | undefined;

  constructor(options: AdaptiveExecutorOptions, setup: ThreadSetup) {
    this.#options = options;
    this.#setup = setup;
    this.#inline = createInlineExecutor(options.session);
    this.#remainingItems = options.itemsBeforeThreads ?? ITEMS_BEFORE_THREADS;
    this.#remainingBytes = options.bytesBeforeThreads ?? BYTES_BEFORE_THREADS;
  }

  get concurrency(): number {
    return (this.#pool ?? this.#inline).concurrency;
  }

  activity(): UploadActivity | undefined {
    return this.#pool?.activity();
  }

  async execute(
    batch: UploadBatch,
    observer: UploadBatchObserver,
  ): Promise<readonly UploadItemResult[]> {
    if (this.#pool === undefined) {
      for (const { sizeBytes } of batch.items) this.#remainingBytes -= sizeBytes;
      this.#remainingItems -= batch.items.length;
      if (this.#remainingItems <= 0 || this.#remainingBytes <= 0) await this.#openPool();
    }
    return await (this.#pool ?? this.#inline).execute(batch, observer);
  }

  async close(): Promise<void> {
    await this.#pool?.close();
  }

  async #openPool(): Promise<void> {
    const { session, maxThreads, startThread = startUploadWorker } = this.#options;
    const others = { maxThreads: maxThreads - 1, startThread };
    this.#pool = await UploadPool.open({ session, setup: this.#setup, ...others });
  }
}
