import type { Bytes } from "../../base/bytes.ts";
import { KopiaError } from "../../base/errors.ts";
import type { BlobId } from "../../blob/storage.ts";
import type { ContentEntry, ContentId } from "../content-entry.ts";
import { MAX_CONTENT_KEY_BYTES, keyToContentId } from "../content-id.ts";
import type { IndexReader } from "./index-reader.ts";
import { readU32 } from "./big-endian.ts";
import { compareKeyWithText, compareKeys, type KeyPlace } from "./key-bytes.ts";

/** Where the entries of an index lie; both versions have entries of one length behind a header. */
export interface EntryLayout {
  readonly entryCount: number;
  readonly keyLength: number;
  readonly entriesOffsetBytes: number;
  /** Length of an entry behind its key. */
  readonly entryLength: number;
}

/** After so many guesses a search goes on by halves: made-up keys must not make it slow. */
const MAX_GUESSES = 8;
/** Shorter ranges are searched by halves. */
const MIN_GUESS_RANGE = 8;

/** What both index versions share: keys, their order, and lookups by key. */
export abstract class BaseIndexReader implements IndexReader {
  abstract readonly version: 1 | 2;
  readonly blobId: BlobId;
  readonly bytes: Uint8Array;
  readonly entryCount: number;
  readonly keyLength: number;
  readonly entriesOffsetBytes: number;
  readonly strideBytes: number;

  private readonly firstByPrefix = new Map<number, number>();
  private readonly sought: KeyPlace;
  private readonly middle: KeyPlace;

  constructor(bytes: Uint8Array, blobId: BlobId, layout: EntryLayout) {
    this.bytes = bytes;
    this.sought = { bytes, offset: 0 };
    this.middle = { bytes, offset: 0 };
    this.blobId = blobId;
    this.entryCount = layout.entryCount;
    this.keyLength = layout.keyLength;
    this.entriesOffsetBytes = layout.entriesOffsetBytes;
    this.strideBytes = layout.keyLength + layout.entryLength;
  }

  abstract timestampSecondsAt(position: number): number;
  abstract isDeletedAt(position: number): boolean;
  abstract packBlobIdAt(position: number): BlobId;
  abstract packOffsetAt(position: number): number;
  abstract packedLengthAt(position: number): number;
  abstract originalLengthAt(position: number): number;
  abstract compressionHeaderIdAt(position: number): number;
  abstract formatVersionAt(position: number): number;
  abstract encryptionKeyIdAt(position: number): number;

  find(key: Uint8Array): number {
    return key.length === this.keyLength ? this.findAt(key, 0) : -1;
  }

  findAt(bytes: Uint8Array, offset: number): number {
    const prefix = bytes[offset] as number;
    let low = this.firstOfPrefix(prefix);
    let high = this.firstOfPrefix(prefix + 1);
    // Hash bytes 1 to 4 as a number, of the key and at both ends of the range. Shorter hashes are searched by halves.
    let guesses = this.keyLength < 5 ? 0 : MAX_GUESSES;
    const value = guesses === 0 ? 0 : readU32(bytes, offset + 1);
    let lowValue = 0;
    let highValue = 2 ** 32;
    this.sought.bytes = bytes;
    this.sought.offset = offset;
    while (low < high) {
      const isGuess = guesses-- > 0 && high - low > MIN_GUESS_RANGE && highValue > lowValue;
      const share = isGuess ? (value - lowValue) / (highValue - lowValue) : 0.5;
      const middle = low + Math.min(high - low - 1, Math.floor(share * (high - low)));
      this.middle.offset = this.entriesOffsetBytes + middle * this.strideBytes;
      const order = compareKeys(this.middle, this.sought, this.keyLength);
      if (order === 0) return middle;
      const middleValue = isGuess ? readU32(this.bytes, this.middle.offset + 1) : 0;
      if (order < 0) {
        low = middle + 1;
        if (isGuess) lowValue = middleValue;
      } else {
        high = middle;
        if (isGuess) highValue = middleValue;
      }
    }
    return -1;
  }

  lowerBound(text: string): number {
    let low = 0;
    let high = this.entryCount;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      // Text order is key order (spec 1 §4.1), and the text may be any leading part of an ID.
      const offset = this.entriesOffsetBytes + middle * this.strideBytes;
      if (compareKeyWithText({ bytes: this.bytes, offset }, this.keyLength, text) < 0)
        low = middle + 1;
      else high = middle;
    }
    return low;
  }

  keyAt(position: number): Bytes {
    return new Uint8Array(this.keyView(position));
  }

  contentIdAt(position: number): ContentId {
    return keyToContentId(this.keyView(position));
  }

  entryAt(position: number): ContentEntry {
    return {
      contentId: this.contentIdAt(position),
      packBlobId: this.packBlobIdAt(position),
      timestampSeconds: this.timestampSecondsAt(position),
      packOffset: this.packOffsetAt(position),
      packedLength: this.packedLengthAt(position),
      originalLength: this.originalLengthAt(position),
      deleted: this.isDeletedAt(position),
      compressionHeaderId: this.compressionHeaderIdAt(position),
      formatVersion: this.formatVersionAt(position),
      encryptionKeyId: this.encryptionKeyIdAt(position),
    };
  }

  /** Where the part of an entry behind its key starts. */
  protected valueOffset(position: number): number {
    return this.entriesOffsetBytes + position * this.strideBytes + this.keyLength;
  }

  private keyView(position: number): Uint8Array {
    const offset = this.entriesOffsetBytes + position * this.strideBytes;
    return this.bytes.subarray(offset, offset + this.keyLength);
  }

  /** First position whose key has at least this first byte. */
  private firstOfPrefix(prefix: number): number {
    let first = this.firstByPrefix.get(prefix);
    if (first === undefined) {
      let low = 0;
      let high = this.entryCount;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((this.bytes[this.entriesOffsetBytes + middle * this.strideBytes] as number) < prefix) {
          low = middle + 1;
        } else high = middle;
      }
      first = low;
      this.firstByPrefix.set(prefix, first);
    }
    return first;
  }
}

/**
 * Refuses key lengths and entry areas that cannot be, before anything is read through them.
 * @throws KopiaError `INDEX_CORRUPT`.
 */
export function checkEntryLayout(bytes: Uint8Array, blobId: BlobId, layout: EntryLayout): void {
  const { entryCount, keyLength } = layout;
  // An index without entries says 255 (spec 1 §7.2).
  if (entryCount > 0 && (keyLength < 2 || keyLength > MAX_CONTENT_KEY_BYTES)) {
    throw corruptIndex(blobId, 1, `key length 2 to ${MAX_CONTENT_KEY_BYTES}, found ${keyLength}`);
  }
  const endBytes = layout.entriesOffsetBytes + entryCount * (keyLength + layout.entryLength);
  if (endBytes > bytes.length) {
    throw corruptIndex(
      blobId,
      4,
      `${entryCount} entries, which need ${endBytes} bytes, but there are ${bytes.length}`,
    );
  }
}

/**
 * Refuses keys that are not strictly ascending: lookups by binary search would miss some.
 * @throws KopiaError `INDEX_CORRUPT`.
 */
export function checkKeyOrder(reader: IndexReader): void {
  const { bytes, strideBytes, keyLength } = reader;
  const previous = { bytes, offset: reader.entriesOffsetBytes };
  const current = { bytes, offset: reader.entriesOffsetBytes };
  for (let position = 1; position < reader.entryCount; position++) {
    previous.offset = current.offset;
    current.offset += strideBytes;
    if (compareKeys(previous, current, keyLength) >= 0) {
      throw corruptIndex(
        reader.blobId,
        current.offset,
        `ascending content IDs, found ${reader.contentIdAt(position)} after ${reader.contentIdAt(position - 1)}`,
      );
    }
  }
}

/** The error of an index that cannot be read. */
export function corruptIndex(blobId: BlobId, offsetBytes: number, expected: string): KopiaError {
  return new KopiaError(
    "INDEX_CORRUPT",
    `index blob ${blobId}: at offset ${offsetBytes}: expected ${expected}`,
    { details: { blobId, offsetBytes } },
  );
}
