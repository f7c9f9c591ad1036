import { KopiaError } from "../base/errors.ts";
import type { ContentId } from "./content-entry.ts";
import type { CommittedIndex } from "./index/committed-index.ts";
import type { IndexReader } from "./index/index-reader.ts";

/** What marking a content found: it was not marked yet, it was, or the index does not have it. */
export type MarkResult = "new" | "known" | "absent";

/**
 * A set of contents of one index: one bit for each entry, so that a million contents take 125 KB. Void as soon
 * as the index is loaded again; hold the index meanwhile.
 */
export class ContentMarks {
  readonly #index: CommittedIndex;
  readonly #generation: number;
  readonly #bits: Uint32Array;
  #count = 0;

  constructor(index: CommittedIndex) {
    this.#index = index;
    this.#generation = index.generation;
    this.#bits = new Uint32Array((index.entryCount >>> 5) + 1);
  }

  /** Contents that are marked. */
  get size(): number {
    return this.#count;
  }

  /**
   * Marks a content.
   * @throws KopiaError `CONTENT_ID_INVALID`, `EPOCH_EXPIRED` when the index was loaded again since.
   */
  mark(id: ContentId): MarkResult {
    this.#assertCurrent();
    return this.#markNumber(this.#index.numberOf(id));
  }

  /**
   * Marks contents by their binary keys, one after the other (spec 1 §7.1).
   * @returns false when one is absent; those before it are marked then. Always for keys of another length than the index has.
   * @throws KopiaError `EPOCH_EXPIRED` as `mark`.
   */
  markKeys(keys: Uint8Array, keyLength: number): boolean {
    this.#assertCurrent();
    if (keys.length === 0) return true;
    if (keyLength !== this.#index.keyLength) return false;
    for (let offset = 0; offset < keys.length; offset += keyLength) {
      if (this.#markNumber(this.#index.numberOfKey(keys, offset)) === "absent") return false;
    }
    return true;
  }

  /** Whether a content is marked. @throws as `mark`. */
  has(id: ContentId): boolean {
    this.#assertCurrent();
    return this.#isSet(this.#index.numberOf(id));
  }

  /** Whether the content of an index entry is marked. @throws as `mark`. */
  hasEntry(reader: IndexReader, position: number): boolean {
    this.#assertCurrent();
    const offset = reader.entriesOffsetBytes + position * reader.strideBytes;
    return this.#isSet(this.#index.numberOfKey(reader.bytes, offset));
  }

  #markNumber(number: number): MarkResult {
    if (number < 0) return "absent";
    const bit = 1 << (number & 31);
    const word = number >>> 5;
    if (((this.#bits[word] as number) & bit) !== 0) return "known";
    this.#bits[word] = (this.#bits[word] as number) | bit;
    this.#count++;
    return "new";
  }

  #isSet(number: number): boolean {
    if (number < 0) return false;
    return ((this.#bits[number >>> 5] as number) & (1 << (number & 31))) !== 0;
  }

  #assertCurrent(): void {
    if (this.#index.generation === this.#generation) return;
    throw new KopiaError(
      "EPOCH_EXPIRED",
      "the index was loaded again while its contents were being marked; nothing was changed",
    );
  }
}
