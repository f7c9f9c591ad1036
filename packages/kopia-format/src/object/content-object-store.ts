import type { Bytes } from "../base/bytes.ts";
import { KopiaError, isKopiaError } from "../base/errors.ts";
import type { Compressor } from "../compression/compressor.ts";
import type { ContentId } from "../content/content-entry.ts";
import type { ContentReader } from "../content/content-store.ts";
import { decodeIndirectList } from "./indirect-list.ts";
import {
  MAX_INDIRECTION,
  formatObjectId,
  parseObjectId,
  type ObjectId,
  type ObjectIdParts,
} from "./object-id.ts";
import { PieceReader } from "./object-reader.ts";
import type { ObjectPiece, ObjectReader, ObjectStore } from "./object-store.ts";

/** Default limit of `readObject`. */
const MAX_OBJECT_IN_MEMORY_BYTES = 2 ** 30;
/** An index stream of 16 TiB cut every 4 MiB has 2^22 entries of about 60 bytes: 2^28 bytes. */
const MAX_INDEX_STREAM_BYTES = 2 ** 28;
/** Pieces of one object; keeps nested lists of hostile objects from growing without end. */
const MAX_PIECES = 2 ** 23;
/** Lists as pieces of lists: the original's writer makes none, and a few that share parts would multiply without end. */
const MAX_NESTED_LISTS = 2 ** 10;
/** A chunk is at most 16 MiB (splitters of 8 MiB average); contents end at 2^28 (spec 1 §7). */
const MAX_CHUNK_BYTES = 2 ** 28;
/** `Z` objects begin with the compressor's header ID (spec 2 §2.6). */
const COMPRESSION_HEADER_BYTES = 4;

/** What reading objects needs besides contents. */
export interface ObjectStoreOptions {
  /** Finds the decompressor of `Z` objects. */
  readonly compressorByHeaderId: (headerId: number) => Compressor | undefined;
}

/** Objects over contents, for reading (spec 2 §2.8 and §2.9). */
export class ContentObjectStore implements ObjectStore {
  readonly #contents: ContentReader;
  readonly #options: ObjectStoreOptions;

  constructor(contents: ContentReader, options: ObjectStoreOptions) {
    this.#contents = contents;
    this.#options = options;
  }

  async openObject(id: ObjectId): Promise<ObjectReader> {
    const parts = parseObjectId(id);
    const readPiece = (piece: ObjectPiece): Promise<Bytes> => this.#readPiece(id, piece);
    if (parts.indirection > 0) {
      return new PieceReader(id, await this.objectPieces(id), readPiece);
    }
    // The length of a direct object is that of its data, which callers want next anyway.
    const data = await this.#readContent(id, parts);
    const piece = { ...directPiece(parts), lengthBytes: data.length };
    return new PieceReader(id, [piece], readPiece, data);
  }

  async readObject(id: ObjectId, maxLengthBytes = MAX_OBJECT_IN_MEMORY_BYTES): Promise<Bytes> {
    const reader = await this.openObject(id);
    if (reader.lengthBytes > maxLengthBytes) throw tooLong(id, reader.lengthBytes, maxLengthBytes);
    return reader.read(0, reader.lengthBytes);
  }

  async objectPieces(id: ObjectId): Promise<readonly ObjectPiece[]> {
    const walk = new PieceWalk(id);
    await this.#collectPieces(walk, { id, offsetBytes: 0, depth: 0 });
    return walk.pieces;
  }

  async verifyObject(id: ObjectId): Promise<readonly ContentId[]> {
    const walk = new PieceWalk(id);
    await this.#collectPieces(walk, { id, offsetBytes: 0, depth: 0 });
    const contentIds = new Set(walk.indexContentIds);
    for (const piece of walk.pieces) contentIds.add(piece.contentId);
    for (const contentId of contentIds) {
      // Deleted entries count as present (spec 2 §2.9).
      if (this.#contents.getContentInfo(contentId) === undefined) throw notFound(id, contentId);
    }
    return [...contentIds];
  }

  /** Appends the pieces of one object, itself a piece of the object of the walk, at an offset. */
  async #collectPieces(
    walk: PieceWalk,
    at: { readonly id: ObjectId; readonly offsetBytes: number; readonly depth: number },
  ): Promise<void> {
    const parts = parseObjectId(at.id);
    if (parts.indirection === 0) {
      walk.add(await this.#pieceOfDirect(walk.id, parts, at.offsetBytes));
      return;
    }
    if (at.depth >= MAX_INDIRECTION) throw corrupt(walk.id, "its indirect lists nest too deeply");
    const inner = formatObjectId({ ...parts, indirection: parts.indirection - 1 });
    const list = await this.#readIndexStream(walk, inner, at.depth);
    for (const entry of decodeIndirectList(list)) {
      const offsetBytes = at.offsetBytes + entry.offsetBytes;
      const entryParts = parseObjectId(entry.objectId);
      if (entryParts.indirection === 0) {
        walk.add({ ...directPiece(entryParts), offsetBytes, lengthBytes: entry.lengthBytes });
        continue;
      }
      // The original's writer never nests like this, but its reader follows such entries.
      walk.enterNestedList();
      await this.#collectPieces(walk, { id: entry.objectId, offsetBytes, depth: at.depth + 1 });
      if (walk.endBytes !== offsetBytes + entry.lengthBytes) {
        throw corrupt(walk.id, `the part ${entry.objectId} is not ${entry.lengthBytes} bytes long`);
      }
    }
  }

  async #readIndexStream(walk: PieceWalk, id: ObjectId, depth: number): Promise<Bytes> {
    const parts = parseObjectId(id);
    if (parts.indirection === 0) {
      walk.indexContentIds.push(parts.contentId);
      return this.#readContent(walk.id, parts);
    }
    const inner = new PieceWalk(walk.id, walk.nesting);
    await this.#collectPieces(inner, { id, offsetBytes: 0, depth: depth + 1 });
    walk.indexContentIds.push(...inner.indexContentIds);
    for (const piece of inner.pieces) walk.indexContentIds.push(piece.contentId);
    if (inner.endBytes > MAX_INDEX_STREAM_BYTES) {
      throw tooLong(id, inner.endBytes, MAX_INDEX_STREAM_BYTES);
    }
    const reader = new PieceReader(id, inner.pieces, (piece) => this.#readPiece(walk.id, piece));
    return reader.read(0, reader.lengthBytes);
  }

  async #pieceOfDirect(
    id: ObjectId,
    parts: ObjectIdParts,
    offsetBytes: number,
  ): Promise<ObjectPiece> {
    const entry = this.#contents.getContentInfo(parts.contentId);
    if (entry === undefined) throw notFound(id, parts.contentId);
    // The index knows the length of a `Z` content only as it is stored.
    const lengthBytes = parts.compressed
      ? (await this.#readContent(id, parts)).length
      : entry.originalLength;
    return { ...directPiece(parts), offsetBytes, lengthBytes };
  }

  async #readPiece(id: ObjectId, piece: ObjectPiece): Promise<Bytes> {
    const data = await this.#readContent(id, { ...piece, indirection: 0 });
    if (data.length === piece.lengthBytes) return data;
    throw corrupt(
      id,
      `content ${piece.contentId} at offset ${piece.offsetBytes} has ${data.length} bytes, expected ${piece.lengthBytes}`,
    );
  }

  async #readContent(id: ObjectId, parts: ObjectIdParts): Promise<Bytes> {
    let stored: Bytes;
    try {
      stored = await this.#contents.getContent(parts.contentId);
    } catch (error) {
      throw isKopiaError(error, "CONTENT_NOT_FOUND") ? notFound(id, parts.contentId, error) : error;
    }
    return parts.compressed ? this.#decompress(id, stored) : stored;
  }

  #decompress(id: ObjectId, stored: Uint8Array): Bytes {
    if (stored.length < COMPRESSION_HEADER_BYTES) {
      throw corrupt(id, `its content has ${stored.length} bytes, no compression header`);
    }
    const headerId = new DataView(stored.buffer, stored.byteOffset, stored.length).getUint32(0);
    const compressor = this.#options.compressorByHeaderId(headerId);
    if (compressor === undefined) {
      throw new KopiaError(
        "ALGORITHM_UNKNOWN",
        `object ${id} is compressed with 0x${headerId.toString(16)}, which is not known`,
        { details: { objectId: id, headerId } },
      );
    }
    return compressor.decompress(stored.subarray(COMPRESSION_HEADER_BYTES), MAX_CHUNK_BYTES);
  }
}

/** What a walk over an object's lists has found so far. */
class PieceWalk {
  readonly id: ObjectId;
  readonly pieces: ObjectPiece[] = [];
  readonly indexContentIds: ContentId[] = [];
  /** Shared by all walks that one object causes. */
  readonly nesting: { lists: number };

  constructor(id: ObjectId, nesting = { lists: 0 }) {
    this.id = id;
    this.nesting = nesting;
  }

  get endBytes(): number {
    const last = this.pieces.at(-1);
    return last === undefined ? 0 : last.offsetBytes + last.lengthBytes;
  }

  enterNestedList(): void {
    if (++this.nesting.lists <= MAX_NESTED_LISTS) return;
    throw new KopiaError(
      "LIMIT_EXCEEDED",
      `object ${this.id} has more than ${MAX_NESTED_LISTS} lists as pieces of lists`,
      { details: { objectId: this.id } },
    );
  }

  add(piece: ObjectPiece): void {
    if (this.pieces.length >= MAX_PIECES) {
      throw new KopiaError(
        "LIMIT_EXCEEDED",
        `object ${this.id} has more than ${MAX_PIECES} pieces`,
        {
          details: { objectId: this.id },
        },
      );
    }
    this.pieces.push(piece);
  }
}

function directPiece(parts: ObjectIdParts): Omit<ObjectPiece, "lengthBytes"> {
  return { offsetBytes: 0, contentId: parts.contentId, compressed: parts.compressed };
}

function notFound(id: ObjectId, contentId: ContentId, cause?: unknown): KopiaError {
  return new KopiaError(
    "OBJECT_NOT_FOUND",
    `unable to open object: ${id}: content ${contentId} not found: object not found`,
    { details: { objectId: id, contentId }, cause },
  );
}

function corrupt(id: ObjectId, what: string): KopiaError {
  return new KopiaError("OBJECT_CORRUPT", `object ${id} cannot be read: ${what}`, {
    details: { objectId: id },
  });
}

function tooLong(id: ObjectId, lengthBytes: number, limitBytes: number): KopiaError {
  return new KopiaError(
    "LIMIT_EXCEEDED",
    `object ${id} has ${lengthBytes} bytes, more than the limit of ${limitBytes}`,
    { details: { objectId: id, lengthBytes, limitBytes } },
  );
}
