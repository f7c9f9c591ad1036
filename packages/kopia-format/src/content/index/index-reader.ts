import type { Bytes } from "../../base/bytes.ts";
import type { BlobId } from "../../blob/storage.ts";
import type { ContentEntry, ContentId } from "../content-entry.ts";

/** Pack blob ID of an entry whose pack reference points outside the index (spec 1 §7.3). */
export const INVALID_PACK_BLOB_ID = "---invalid---";

/**
 * One index blob, read in place from its raw bytes: nothing per entry is kept on the JavaScript heap
 * (design §4.2). Entries are addressed by position, 0 to `entryCount - 1`, in key order. Positions
 * outside that range are a programming error and give meaningless values.
 */
export interface IndexReader {
  /** Blob the index came from, for messages; local indexes carry their pack's ID. */
  readonly blobId: BlobId;
  /** Format of the bytes (spec 1 §7.2, §7.3). */
  readonly version: 1 | 2;
  readonly bytes: Uint8Array;
  readonly entryCount: number;
  /** Length of every key in bytes: 1 + hash length. */
  readonly keyLength: number;
  /** Where the first entry's key lies within `bytes`. */
  readonly entriesOffsetBytes: number;
  /** Distance between the keys of neighbouring entries. */
  readonly strideBytes: number;
  /** Position of a binary key, or -1. */
  find(key: Uint8Array): number;
  /** Position of a key of `keyLength` bytes that lies inside other bytes, or -1. Fastest where hashes are spread evenly. */
  findAt(bytes: Uint8Array, offset: number): number;
  /** First position whose content ID is not before `text` in text order; `entryCount` when there is none. */
  lowerBound(text: string): number;
  keyAt(position: number): Bytes;
  contentIdAt(position: number): ContentId;
  /** Unix seconds. */
  timestampSecondsAt(position: number): number;
  isDeletedAt(position: number): boolean;
  packBlobIdAt(position: number): BlobId;
  packOffsetAt(position: number): number;
  packedLengthAt(position: number): number;
  originalLengthAt(position: number): number;
  compressionHeaderIdAt(position: number): number;
  formatVersionAt(position: number): number;
  encryptionKeyIdAt(position: number): number;
  entryAt(position: number): ContentEntry;
}
