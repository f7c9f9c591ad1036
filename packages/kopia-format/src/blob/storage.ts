import type { Bytes } from "../base/bytes.ts";
import type { TimeNs } from "../base/clock.ts";

/** Name of a blob: plain ASCII, see spec 1 §1.6 for all kinds. */
export type BlobId = string;

/** What storage knows of a blob. */
export interface BlobMetadata {
  readonly id: BlobId;
  readonly lengthBytes: number;
  /** The storage's time of the blob (file mtime): deletion decisions depend on it (spec 1 §1.4). */
  readonly timestamp: TimeNs;
}

/** A part of a blob. */
export interface BlobRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Space of the storage, where it can tell. */
export interface StorageCapacity {
  readonly sizeBytes: number;
  readonly freeBytes: number;
}

/** Options of a put. */
export interface PutOptions {
  /** Sets the blob's timestamp (repository copies only; never on a blob in use). */
  readonly timestamp?: TimeNs;
}

/**
 * A blob that is being written piece by piece and becomes visible, whole, at `commit`.
 * Used by packs, so that memory stays flat (design §4.3).
 */
export interface BlobWriter {
  readonly id: BlobId;
  /** Bytes appended so far. */
  readonly lengthBytes: number;
  /** Appends a copy of the bytes; the caller may reuse the array at once. Synchronous by design. */
  append(data: Uint8Array): void;
  /** Makes the blob durable and visible under its final name. After it nothing else may be called. */
  commit(): Promise<BlobMetadata>;
  /** Forgets the blob; nothing stays behind. */
  abort(): Promise<void>;
}

/** Options of `openFilesystemStorage` as plain data. */
export interface FilesystemThreadOptions {
  readonly path: string;
  readonly fileMode: number;
  readonly dirMode: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly dirShards: readonly number[];
}

/**
 * Blob storage, the lowest contract of the engine (spec 1 §1). Callers may call any method
 * concurrently and in any order. Puts are atomic: a blob is absent, old or new, never partial, and
 * visible to get and list as soon as put resolves. Nothing here retries: `RetryingStorage` does.
 *
 * Every method rejects with a `KopiaError`: `BLOB_NOT_FOUND` where a blob is missing,
 * `STORAGE_RANGE` when a blob is shorter than the range, `STORAGE_READ_ONLY`, `STORAGE_FULL`,
 * `STORAGE_PERMISSION`, `STORAGE_UNAVAILABLE`, `STORAGE_BAD_SHARDS` otherwise.
 */
export interface BlobStorage {
  /** Kind as stored in the connection file, such as `filesystem`. */
  readonly kind: string;
  /** For people: `Filesystem: /repo`. */
  readonly displayName: string;
  readonly readOnly: boolean;
  /**
   * How another thread may open the same storage beside this one, as options of its opener; absent where
   * it may not, because something is shared that threads cannot share.
   */
  readonly threadOptions?: FilesystemThreadOptions | undefined;
  /** Reads a whole blob, or exactly `range` of it. The bytes are the caller's alone, who may detach them. */
  get(id: BlobId, range?: BlobRange): Promise<Bytes>;
  /**
   * Reads exactly `range` at once, without a promise, into memory that `allocate` gives when it is known that so much
   * is there. Only storage of local files has it.
   * @throws KopiaError as `get`.
   */
  readInto?(
    id: BlobId,
    range: BlobRange,
    allocate: (lengthBytes: number) => Uint8Array,
  ): Uint8Array;
  getMetadata(id: BlobId): Promise<BlobMetadata>;
  /** Creates or replaces a blob atomically and durably (temp file, fsync, rename on a filesystem). */
  put(id: BlobId, data: Uint8Array, options?: PutOptions): Promise<BlobMetadata>;
  /** Starts a blob that is written in pieces. Storage without such a way collects in memory. */
  openWriter(id: BlobId): BlobWriter;
  /** Removes a blob; a missing one is success. */
  delete(id: BlobId): Promise<void>;
  /** All blobs whose ID starts with `prefix`, in no promised order. */
  list(prefix: string): AsyncIterable<BlobMetadata>;
  /** `undefined` when the storage cannot tell. */
  capacity(): Promise<StorageCapacity | undefined>;
  close(): Promise<void>;
}
