import type { Bytes } from "../base/bytes.ts";
import type { ContentId } from "../content/content-entry.ts";
import type { ObjectId } from "./object-id.ts";

/** An open object. */
export interface ObjectReader {
  readonly id: ObjectId;
  readonly lengthBytes: number;
  /** Exactly the bytes `[offsetBytes, offsetBytes + lengthBytes)` that exist; empty at or past the end. */
  read(offsetBytes: number, lengthBytes: number): Promise<Bytes>;
  /** The pieces in order, one content each. */
  chunks(): AsyncIterable<Bytes>;
}

/** One content of an object: which bytes of the object it holds. */
export interface ObjectPiece {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly contentId: ContentId;
  /** The content holds a 4-byte header and a compressed stream (`Z` objects, spec 2 §2.6). */
  readonly compressed: boolean;
}

/** How an object is to be written (spec 2 §2.4). */
export interface ObjectWriterOptions {
  /** Content prefix: `k` for directories, empty for files. */
  readonly prefix?: string;
  /** Header ID of the compressor for the data, 0 for none. */
  readonly compressionHeaderId?: number;
  /** Header ID of the compressor for indirect lists, 0 for none. */
  readonly metadataCompressionHeaderId?: number;
  /** Splitter name from the policy; unknown or absent: the repository's. */
  readonly splitter?: string;
}

/** How whole bytes are to be written as an object. */
export interface WriteObjectOptions extends ObjectWriterOptions {
  /** What `ContentWriter.hashContents` gave for exactly these bytes. */
  readonly hash?: Uint8Array | undefined;
}

/** Writes one object; synchronous like the contents below it. */
export interface ObjectWriter {
  readonly lengthBytes: number;
  write(data: Uint8Array): void;
  /** Flushes the rest and gives the ID. Nothing may be written after it. */
  finish(): ObjectId;
  /** ID of what has been flushed so far, empty when nothing has (spec 2 §2.4 step 4). */
  checkpoint(): ObjectId;
}

/** Tells where the contents of an object begin and end, for who stores them by other means than an `ObjectWriter`. */
export interface ObjectCutter {
  /** Lengths in bytes of the contents that end within these next bytes of the object. */
  push(data: Uint8Array): readonly number[];
  /** Length of the last content, if there is one more. Afterwards the next object may begin. */
  finish(): readonly number[];
}

/** One content of an object that is put together. */
export interface StoredPiece {
  readonly contentId: ContentId;
  readonly lengthBytes: number;
}

/** Read access to objects. */
export interface ObjectStore {
  /** @throws KopiaError `OBJECT_ID_INVALID`, `OBJECT_NOT_FOUND`, `OBJECT_CORRUPT` and those of `ContentReader`. */
  openObject(id: ObjectId): Promise<ObjectReader>;
  /** Whole object in memory, refused above `maxLengthBytes` (default 1 GiB). */
  readObject(id: ObjectId, maxLengthBytes?: number): Promise<Bytes>;
  /**
   * The contents of an object in order, without reading data: only indirect lists are read. For callers that
   * fetch many contents in pack order. The length of a direct object is what the content index says.
   * @throws KopiaError as `openObject`.
   */
  objectPieces(id: ObjectId): Promise<readonly ObjectPiece[]>;
  /**
   * All contents behind an object, index contents first (spec 2 §2.9); reads indirect lists, not data.
   * @throws KopiaError `OBJECT_NOT_FOUND` naming the missing content.
   */
  verifyObject(id: ObjectId): Promise<readonly ContentId[]>;
}

/** Write access to objects. */
export interface ObjectWriterStore extends ObjectStore {
  createWriter(options?: ObjectWriterOptions): ObjectWriter;
  /** Whole bytes as one object. */
  writeObject(data: Uint8Array, options?: WriteObjectOptions): ObjectId;
  /** A cutter of the given splitter; `undefined` in repositories of index version 1, whose objects only writers can make. */
  createCutter(options?: Pick<ObjectWriterOptions, "splitter">): ObjectCutter | undefined;
  /** The object whose contents, at least one, are these in this order: what a writer that cut them would have given. */
  joinPieces(
    pieces: readonly StoredPiece[],
    options?: Pick<ObjectWriterOptions, "metadataCompressionHeaderId">,
  ): ObjectId;
  /** Joins objects into one without copying data (spec 2 §2.7). */
  concatenate(ids: readonly ObjectId[], metadataCompressionHeaderId?: number): Promise<ObjectId>;
}
