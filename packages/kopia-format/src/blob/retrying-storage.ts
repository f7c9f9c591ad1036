import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { collectAsync } from "../base/collect-async.ts";
import { isKopiaError } from "../base/errors.ts";
import type {
  BlobId,
  BlobMetadata,
  BlobRange,
  BlobStorage,
  FilesystemThreadOptions,
  PutOptions,
  StorageCapacity,
} from "./storage.ts";
import { ForwardingStorage } from "./forwarding-storage.ts";

/** How often and how long to try, with the values of Kopia (spec 1 §1.2). */
export interface RetryOptions {
  /** Tries in all. Default 10. */
  readonly attempts?: number;
  /** Pause after the first failure. Default 100. */
  readonly firstPauseMs?: number;
  /** What each pause is longer than the one before. Default 1.5. */
  readonly pauseFactor?: number;
  /** Default 32,000. */
  readonly maxPauseMs?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
  /** Told before every pause. */
  readonly onRetry?: (error: unknown, pauseMs: number) => void;
}

/**
 * Repeats operations that failed with `STORAGE_UNAVAILABLE`; everything else fails at once, and so does a
 * stale file handle, which does not come back. A put is atomic, so repeating it is safe. A blob that is
 * written in pieces is not repeated: its pieces are gone, and an fsync that failed must not be believed
 * the second time.
 */
export class RetryingStorage extends ForwardingStorage {
  readonly #clock: Clock;
  readonly #options: RetryOptions;

  constructor(inner: BlobStorage, clock: Clock, options: RetryOptions = {}) {
    super(inner);
    this.#clock = clock;
    this.#options = options;
  }

  /** Only pieces are written from other threads, and those are not repeated. */
  get threadOptions(): FilesystemThreadOptions | undefined {
    return this.inner.threadOptions;
  }

  override get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    return this.#retry(() => this.inner.get(id, range));
  }

  override getMetadata(id: BlobId): Promise<BlobMetadata> {
    return this.#retry(() => this.inner.getMetadata(id));
  }

  override put(id: BlobId, data: Uint8Array, options?: PutOptions): Promise<BlobMetadata> {
    return this.#retry(() => this.inner.put(id, data, options));
  }

  override delete(id: BlobId): Promise<void> {
    return this.#retry(() => this.inner.delete(id));
  }

  /** A listing is collected before any of it is given out: repeated from the start, it must not repeat blobs. */
  override async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    yield* await this.#retry(() => collectAsync(this.inner.list(prefix)));
  }

  override capacity(): Promise<StorageCapacity | undefined> {
    return this.#retry(() => this.inner.capacity());
  }

  async #retry<Result>(operation: () => Promise<Result>): Promise<Result> {
    const {
      attempts = 10,
      firstPauseMs = 100,
      pauseFactor = 1.5,
      maxPauseMs = 32_000,
    } = this.#options;
    let pauseMs = firstPauseMs;
    for (let attempt = 1; ; attempt++) {
      try {
        return await operation();
      } catch (error) {
        if (attempt >= attempts || !mayPass(error)) throw error;
        this.#options.onRetry?.(error, pauseMs);
      }
      await this.#clock.sleep(pauseMs, this.#options.signal);
      pauseMs = Math.min(pauseMs * pauseFactor, maxPauseMs);
    }
  }
}

function mayPass(error: unknown): boolean {
  return isKopiaError(error, "STORAGE_UNAVAILABLE") && error.details["systemCode"] !== "ESTALE";
}
