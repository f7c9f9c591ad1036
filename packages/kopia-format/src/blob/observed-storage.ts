import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { ForwardingStorage, withCommit } from "./forwarding-storage.ts";
import type {
  BlobId,
  BlobMetadata,
  BlobRange,
  BlobStorage,
  BlobWriter,
  FilesystemThreadOptions,
  PutOptions,
  StorageCapacity,
} from "./storage.ts";

/** Storage operations by the names that Kopia's logs and metrics have (spec 3 §9.1). */
export type StorageMethod =
  | "GetBlob"
  | "GetMetadata"
  | "PutBlob"
  | "DeleteBlob"
  | "ListBlobs"
  | "GetCapacity"
  | "Close";

/** One finished operation. */
export interface ObservedOperation {
  readonly method: StorageMethod;
  readonly durationNs: bigint;
  /** What it failed with; absent when it worked. */
  readonly error?: unknown;
  readonly blobId?: BlobId;
  /** Of `ListBlobs`. */
  readonly prefix?: string;
  /** The part of the blob that was asked for; absent for a whole one. */
  readonly range?: BlobRange;
  /** Bytes read or written. */
  readonly lengthBytes?: number;
  /** Blobs that a list returned. */
  readonly itemCount?: number;
  /** What `GetMetadata` found. */
  readonly metadata?: BlobMetadata;
}

/** Told about every operation when it has ended; must not throw. */
export type StorageObserver = (operation: ObservedOperation) => void;

/** Tells an observer about every operation: logs and metrics are made of it. Operations of other threads are not seen. */
export class ObservedStorage extends ForwardingStorage {
  readonly #clock: Clock;
  readonly #observe: StorageObserver;

  constructor(
    inner: BlobStorage,
    options: { readonly clock: Clock; readonly observe: StorageObserver },
  ) {
    super(inner);
    this.#clock = options.clock;
    this.#observe = options.observe;
  }

  get threadOptions(): FilesystemThreadOptions | undefined {
    return this.inner.threadOptions;
  }

  override get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    return this.#watch(
      { method: "GetBlob", blobId: id, ...(range !== undefined && { range }) },
      () => this.inner.get(id, range),
      (data) => ({ lengthBytes: data.length }),
    );
  }

  override getMetadata(id: BlobId): Promise<BlobMetadata> {
    return this.#watch(
      { method: "GetMetadata", blobId: id },
      () => this.inner.getMetadata(id),
      (metadata) => ({ metadata }),
    );
  }

  override put(id: BlobId, data: Uint8Array, options?: PutOptions): Promise<BlobMetadata> {
    return this.#watch({ method: "PutBlob", blobId: id, lengthBytes: data.length }, () =>
      this.inner.put(id, data, options),
    );
  }

  override openWriter(id: BlobId): BlobWriter {
    const writer = this.inner.openWriter(id);
    return withCommit(writer, () =>
      this.#watch({ method: "PutBlob", blobId: id, lengthBytes: writer.lengthBytes }, () =>
        writer.commit(),
      ),
    );
  }

  override delete(id: BlobId): Promise<void> {
    return this.#watch({ method: "DeleteBlob", blobId: id }, () => this.inner.delete(id));
  }

  override async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    const start = this.#clock.now();
    let itemCount = 0;
    const tell = (failure: { readonly error?: unknown }): void =>
      this.#observe({
        method: "ListBlobs",
        prefix,
        itemCount,
        durationNs: this.#clock.now() - start,
        ...failure,
      });
    try {
      for await (const blob of this.inner.list(prefix)) {
        itemCount++;
        yield blob;
      }
    } catch (error) {
      tell({ error });
      throw error;
    }
    tell({});
  }

  override capacity(): Promise<StorageCapacity | undefined> {
    return this.#watch({ method: "GetCapacity" }, () => this.inner.capacity());
  }

  override close(): Promise<void> {
    return this.#watch({ method: "Close" }, () => this.inner.close());
  }

  async #watch<Result>(
    operation: Omit<ObservedOperation, "durationNs">,
    run: () => Promise<Result>,
    describe?: (result: Result) => Partial<ObservedOperation>,
  ): Promise<Result> {
    const start = this.#clock.now();
    try {
      const result = await run();
      const durationNs = this.#clock.now() - start;
      this.#observe({ ...operation, durationNs, ...describe?.(result) });
      return result;
    } catch (error) {
      this.#observe({ ...operation, durationNs: this.#clock.now() - start, error });
      throw error;
    }
  }
}
