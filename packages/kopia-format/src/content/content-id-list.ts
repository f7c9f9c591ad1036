import type { ContentId } from "./content-entry.ts";
import { MAX_CONTENT_KEY_BYTES, keyToContentId, writeContentKey } from "./content-id.ts";
import type { IndexReader } from "./index/index-reader.ts";

const FIRST_CAPACITY = 256;

/** A list of content IDs as bytes: about 17 bytes each instead of a string, for plans over millions. */
export class ContentIdList {
  #bytes = new Uint8Array(0);
  #keyLength = 0;
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /** Appends an ID; all must have hashes of one length. @throws KopiaError `CONTENT_ID_INVALID`. */
  add(id: ContentId): void {
    const key = new Uint8Array(MAX_CONTENT_KEY_BYTES);
    this.#append(key, 0, writeContentKey(id, key));
  }

  /** Appends the ID of an index entry. */
  addEntry(reader: IndexReader, position: number): void {
    const offset = reader.entriesOffsetBytes + position * reader.strideBytes;
    this.#append(reader.bytes, offset, reader.keyLength);
  }

  *[Symbol.iterator](): Generator<ContentId, void, undefined> {
    const length = this.#keyLength;
    for (let i = 0; i < this.#count; i++) {
      yield keyToContentId(this.#bytes.subarray(i * length, (i + 1) * length));
    }
  }

  #append(source: Uint8Array, offset: number, keyLength: number): void {
    if (this.#keyLength === 0) this.#keyLength = keyLength;
    const end = (this.#count + 1) * this.#keyLength;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * end, FIRST_CAPACITY * this.#keyLength));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    const place = this.#count * this.#keyLength;
    for (let i = 0; i < this.#keyLength; i++) {
      this.#bytes[place + i] = source[offset + i] as number;
    }
    this.#count++;
  }
}
