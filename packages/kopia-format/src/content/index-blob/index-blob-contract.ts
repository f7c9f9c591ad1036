import type { Bytes } from "../../base/bytes.ts";
import type { BlobId, BlobMetadata } from "../../blob/storage.ts";

/** The index blobs that together say which contents exist (spec 1 §8.2 step 1). */
export interface ActiveIndexBlobs {
  readonly blobs: readonly BlobMetadata[];
  /** Deletion watermark in Unix seconds, 0 when there is none (always in the older scheme). */
  readonly watermarkSeconds: number;
}

/**
 * Which index blobs count, and how new ones are named and stored: the epoch scheme (spec 1 §8.4) or
 * the older one (§8.3), behind one contract. Never caches longer than the format allows.
 */
export interface IndexBlobManager {
  readonly scheme: "epoch" | "v0";
  /**
   * Lists the active set. The epoch scheme answers from its committed state while that is valid.
   * @throws KopiaError `INDEX_CORRUPT` when a compaction log cannot be read, `EPOCH_EXPIRED`, and storage errors.
   */
  listActive(): Promise<ActiveIndexBlobs>;
  /** Makes the next `listActive` read the storage again. */
  invalidate(): void;
  /**
   * Reads and decrypts one index blob.
   * @throws KopiaError `BLOB_NOT_FOUND` (deleted meanwhile: list again), `INDEX_CORRUPT`.
   */
  readIndexBlob(id: BlobId): Promise<Bytes>;
  /**
   * Stores the indexes of one flush, all packs that they name being durable already (spec 1 §8.4.5, §12.2).
   * @param indexShards from `buildIndexShards`, without random suffix.
   * @param sessionId `s…` (spec 1 §9.2).
   * @returns the blobs written, in the order of the shards.
   * @throws KopiaError `EPOCH_EXPIRED` when writing took longer than two epochs; nothing stays behind then.
   */
  writeFlush(indexShards: readonly Uint8Array[], sessionId: string): Promise<BlobMetadata[]>;
}
