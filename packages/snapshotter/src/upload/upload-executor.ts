import type { ObjectId } from "@kopia-engine/kopia-format";

/** How one class of files is to be written; items refer to it by index. */
export interface UploadSettings {
  /** Header ID of the compressor for file data, 0 for none. */
  readonly compressionHeaderId: number;
  /** Header ID of the compressor for indirect lists, 0 for none. */
  readonly metadataCompressionHeaderId: number;
  /** Splitter of the policy; empty: the repository's. */
  readonly splitter: string;
  /** Files larger than this are cut into parts of this size (spec 2 §7.4); 0: never. */
  readonly parallelUploadAboveSizeBytes: number;
}

/** One file or link to be stored. */
export interface UploadItem {
  /** Absolute path; bytes where a component is not valid UTF-8. */
  readonly path: string | Uint8Array;
  readonly kind: "file" | "symlink";
  /** Size from the listing: decides about parts, and is only a hint for reading. */
  readonly sizeBytes: number;
  /** Index into the batch's `settings`. */
  readonly settings: number;
}

/** Files of one or more directories, to be stored together. Plain data: it may cross threads. */
export interface UploadBatch {
  readonly items: readonly UploadItem[];
  readonly settings: readonly UploadSettings[];
}

/** What became of one item, at the item's place in the batch. */
export type UploadItemResult =
  | { readonly objectId: ObjectId; readonly sizeBytes: number; readonly partCount: number }
  /** Kopia's error text (spec 2 §6.7). */
  | { readonly error: string }
  /** Not done because the upload was cancelled or reached its limit. */
  | { readonly skipped: true };

/** A file that is being read while the executor pauses (spec 2 §7.10). */
export interface PartialUpload {
  /** Position of the item in its batch. */
  readonly item: number;
  /** Object over what has been written so far; empty when that is nothing. */
  checkpoint(): Promise<ObjectId>;
}

/** What an executor tells while it works on a batch. */
export interface UploadBatchObserver {
  /** Bytes read since the last call. False: stop, the remaining items are skipped. */
  readBytes(lengthBytes: number): boolean;
  /** Called at points where the session may be flushed: after at most 32 MiB, and between large files. */
  pause(partial?: PartialUpload): Promise<void>;
}

/** What an executor is doing right now. */
export interface UploadActivity {
  /** Threads that have something to do. */
  readonly busyCount: number;
  /** Bytes in packs that the session does not count yet. */
  readonly packedBytes: number;
}

/**
 * Stores batches of files. The inline executor does it on this thread; a pool may give batches to
 * worker threads. Batches may be executed concurrently up to `concurrency`.
 */
export interface UploadExecutor {
  /** Batches worth having in flight. */
  readonly concurrency: number;
  /** For progress. Absent where all work is done by the calling thread. */
  activity?(): UploadActivity | undefined;
  /**
   * Stores every item; results in the order of `batch.items`. Unreadable items are results, not
   * rejections: it rejects only when the repository cannot be written.
   */
  execute(batch: UploadBatch, observer: UploadBatchObserver): Promise<readonly UploadItemResult[]>;
  /**
   * Ends it after the last batch: all that was stored then belongs to the session's next flush.
   * @throws KopiaError when something that a result names could not be stored.
   */
  close?(): Promise<void>;
}
