import type { Bytes } from "../base/bytes.ts";
import type { KopiaError } from "../base/errors.ts";
import type { ContentEntry, ContentId, ContentIdRange } from "./content-entry.ts";
import type { IndexReader } from "./index/index-reader.ts";
import type { ContentPlaces } from "./index/content-places.ts";

/** Which entries an iteration yields. */
export interface ContentQuery {
  /** Default: all. */
  readonly range?: ContentIdRange;
  /** Default: false. Entries hidden by the deletion watermark are never yielded. */
  readonly includeDeleted?: boolean;
}

/** Limits of reading many contents at once. */
export interface ContentBatchOptions {
  /** Longest range read at once, in bytes; a longer content is read alone. Default 8 MiB. */
  readonly maxRangeBytes?: number;
  /** Unwanted bytes between two contents that are read along rather than skipped. Default 64 KiB. */
  readonly maxGapBytes?: number;
}

/** One content of a batch: its bytes, or why it cannot be read. */
export type ContentBatchResult =
  | { readonly contentId: ContentId; readonly data: Bytes; readonly error?: undefined }
  | { readonly contentId: ContentId; readonly data?: undefined; readonly error: KopiaError };

/** Read access to contents. Lookups are synchronous: the index is in memory as bytes (design §4.2). */
export interface ContentReader {
  /**
   * Reads, decrypts and decompresses one content. Deleted contents stay readable until the watermark
   * passes (spec 1 §9.5).
   * @throws KopiaError `CONTENT_NOT_FOUND`, `CONTENT_CORRUPT`, `COMPRESSION_CORRUPT`, `BLOB_NOT_FOUND`, `STORAGE_RANGE`.
   */
  getContent(id: ContentId): Promise<Bytes>;
  /**
   * Reads many contents with few storage operations: ordered by pack and offset, neighbours in one
   * range. Yields one result for each distinct ID, in reading order and not in the given one.
   * A content that cannot be read is a result with an error; the iteration goes on.
   */
  getContents(
    ids: Iterable<ContentId>,
    options?: ContentBatchOptions,
  ): AsyncIterable<ContentBatchResult>;
  /** Entry of a content, deleted or not; `undefined` when there is none or the watermark hides it. */
  getContentInfo(id: ContentId): ContentEntry | undefined;
  /** Whether `getContentInfo` finds something, without making an entry of it. Only where that is cheaper. */
  hasContent?(id: ContentId): boolean;
  /**
   * Adds where a content lies to `places`; false when `getContentInfo` would find nothing. Only where contents can be
   * read without this reader, by a `PlaceReader`.
   */
  locate?(id: ContentId, places: ContentPlaces): boolean;
  /** Entries in content ID order, one for each content. */
  contents(query?: ContentQuery): Iterable<ContentEntry>;
  /**
   * As `contents`, by position in index blobs: nothing is made per entry. The index must not change meanwhile.
   * Only where that is cheaper.
   */
  visitContents?(
    visit: (reader: IndexReader, position: number) => void,
    query?: ContentQuery,
  ): void;
}

/** How a content is to be written. */
export interface WriteContentOptions {
  /** Prefix letter `g`…`z`, or empty for file data. */
  readonly prefix?: string;
  /** Requested compression header ID, 0 for none (spec 1 §5.3). */
  readonly compressionHeaderId?: number;
  /** What `hashContents` gave for exactly these bytes; absent: they are hashed now. */
  readonly hash?: Uint8Array;
}

/**
 * Write access to contents within one write session (spec 1 §9). Writing is synchronous so that no
 * promise is spent on a chunk; packs become durable in the background.
 * After the first failure every call fails with `SESSION_BROKEN` and that failure as cause.
 */
export interface ContentWriter extends ContentReader {
  /** Stores bytes, or finds them already stored. The bytes are not kept: the caller may reuse the array. */
  writeContent(data: Uint8Array, options?: WriteContentOptions): ContentId;
  /** Hashes of several contents, for `writeContent` of each; `undefined` where that saves nothing. */
  hashContents?(contents: readonly Uint8Array[]): readonly Uint8Array[] | undefined;
  /**
   * To be awaited between batches of writes, at least every 32 MiB: bounds the packs in flight,
   * refreshes the index when it is older than 15 minutes, flushes when 10 minutes have passed.
   */
  settle(): Promise<void>;
  /** Marks a content deleted. @throws KopiaError `CONTENT_NOT_FOUND`. */
  deleteContent(id: ContentId): void;
  /** Writes a deleted content again, not deleted; nothing for a content that is not deleted. */
  undeleteContent(id: ContentId): Promise<void>;
  /** Makes everything written so far durable and visible to other clients (spec 1 §9.4). */
  flush(): Promise<void>;
}
