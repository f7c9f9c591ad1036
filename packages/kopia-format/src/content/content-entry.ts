import type { BlobId } from "../blob/storage.ts";

/** Text form of a content ID: optional prefix letter `g`…`z`, then lowercase hex (spec 1 §4.1). */
export type ContentId = string;

/** One index entry: where a content lies and how it was stored (spec 1 §7). */
export interface ContentEntry {
  readonly contentId: ContentId;
  readonly packBlobId: BlobId;
  /** Unix seconds of writing, or of deletion when `deleted`. */
  readonly timestampSeconds: number;
  readonly packOffset: number;
  readonly packedLength: number;
  readonly originalLength: number;
  readonly deleted: boolean;
  /** 0 when stored uncompressed. */
  readonly compressionHeaderId: number;
  readonly formatVersion: number;
  readonly encryptionKeyId: number;
}

/** A range of content IDs in text order, start inclusive, end exclusive (spec 1 §4.1). */
export interface ContentIdRange {
  readonly start: string;
  readonly end: string;
}
