import type { BlobId } from "../../blob/storage.ts";
import type { IndexReader } from "./index-reader.ts";

/** Numbers of a place, in this order. */
export const PLACE = {
  /** Position in `packBlobIds`. */
  pack: 0,
  packOffset: 1,
  packedLength: 2,
  originalLength: 3,
  compressionHeaderId: 4,
  encryptionKeyId: 5,
  size: 6,
} as const;

/** Places as plain data, to be posted to another thread. */
export interface ContentPlacesParts {
  readonly count: number;
  readonly packBlobIds: readonly BlobId[];
  /** `PLACE.size` numbers for each place. */
  readonly numbers: Uint32Array;
  /** Binary keys (spec 1 §7.1), `keyLength` bytes for each place. */
  readonly keys: Uint8Array;
  readonly keyLength: number;
}

const FIRST_CAPACITY = 64;

/** Where many contents lie and how they are stored, as numbers: no object for each. */
export class ContentPlaces {
  readonly #packNumbers = new Map<BlobId, number>();
  #numbers = new Uint32Array(FIRST_CAPACITY * PLACE.size);
  #keys = new Uint8Array(0);
  #keyLength = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Adds an entry of an index. @returns its number, from 0. */
  add(reader: IndexReader, position: number): number {
    if (this.#count * PLACE.size === this.#numbers.length) this.#grow();
    if (this.#keyLength !== reader.keyLength) this.#startKeys(reader.keyLength);
    const at = this.#count * PLACE.size;
    const numbers = this.#numbers;
    numbers[at + PLACE.pack] = this.#packNumber(reader.packBlobIdAt(position));
    numbers[at + PLACE.packOffset] = reader.packOffsetAt(position);
    numbers[at + PLACE.packedLength] = reader.packedLengthAt(position);
    numbers[at + PLACE.originalLength] = reader.originalLengthAt(position);
    numbers[at + PLACE.compressionHeaderId] = reader.compressionHeaderIdAt(position);
    numbers[at + PLACE.encryptionKeyId] = reader.encryptionKeyIdAt(position);
    const keyOffset = reader.entriesOffsetBytes + position * reader.strideBytes;
    const key = this.#count * this.#keyLength;
    for (let i = 0; i < this.#keyLength; i++) {
      this.#keys[key + i] = reader.bytes[keyOffset + i] as number;
    }
    return this.#count++;
  }

  /** What was added, as plain data: a view, which `clear` and `add` change. */
  parts(): ContentPlacesParts {
    return {
      count: this.#count,
      packBlobIds: [...this.#packNumbers.keys()],
      numbers: this.#numbers.subarray(0, this.#count * PLACE.size),
      keys: this.#keys.subarray(0, this.#count * this.#keyLength),
      keyLength: this.#keyLength,
    };
  }

  clear(): void {
    this.#count = 0;
    this.#packNumbers.clear();
  }

  #packNumber(packBlobId: BlobId): number {
    let number = this.#packNumbers.get(packBlobId);
    if (number === undefined) {
      number = this.#packNumbers.size;
      this.#packNumbers.set(packBlobId, number);
    }
    return number;
  }

  #startKeys(keyLength: number): void {
    if (this.#count > 0) throw new RangeError("the keys of one index have one length");
    this.#keyLength = keyLength;
    this.#keys = new Uint8Array((this.#numbers.length / PLACE.size) * keyLength);
  }

  #grow(): void {
    const numbers = new Uint32Array(this.#numbers.length * 2);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
    const keys = new Uint8Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
  }
}
