import { lastAtMost } from "../../base/last-at-most.ts";
import { wrongKeyLength } from "./entry-table.ts";
import type { IndexReader } from "./index-reader.ts";
import { MergeCursor } from "./merge-cursor.ts";
import type { NumberedEntries, SortableEntries } from "./numbered-entries.ts";

/** Whether a winning entry goes into the result. */
export type KeepEntry = (reader: IndexReader, position: number) => boolean;

/**
 * The winning entries of some indexes (spec 1 §7.6), left where they are: four bytes for each. Indexes are sorted,
 * so that merging them needs neither a table nor a sort.
 */
export class MergedEntries implements NumberedEntries, SortableEntries {
  readonly keyLength: number;
  readonly #readers: readonly IndexReader[];
  /** Number of each reader's first entry. An entry's number is this and its position. */
  readonly #firsts: readonly number[];
  readonly #sorted: Uint32Array;
  readonly #packIds: string[] = [];
  readonly #packNumbers = new Map<string, number>();
  /** The entry that was asked for last, as most are asked for all their fields. */
  #entry = -1;
  #reader: IndexReader | undefined;
  #position = 0;

  /**
   * @param isKept entries that do not go in are told by it, after the merging: none uncovers an older one.
   * @throws KopiaError `CONTENT_ID_INVALID` when keys differ in length.
   */
  constructor(indexes: readonly IndexReader[], isKept: KeepEntry = () => true) {
    const readers = indexes.filter(({ entryCount }) => entryCount > 0);
    this.keyLength = readers[0]?.keyLength ?? 2;
    const firsts: number[] = [];
    let entryCount = 0;
    for (const reader of readers) {
      if (reader.keyLength !== this.keyLength) {
        throw wrongKeyLength(reader.contentIdAt(0), reader.keyLength, this.keyLength);
      }
      firsts.push(entryCount);
      entryCount += reader.entryCount;
    }
    this.#readers = readers;
    this.#firsts = firsts;
    this.#sorted = this.#merge(new Uint32Array(entryCount), isKept);
  }

  get size(): number {
    return this.#sorted.length;
  }

  get records(): NumberedEntries {
    return this;
  }

  sortedRecords(): Uint32Array {
    return this.#sorted;
  }

  get packBlobIds(): readonly string[] {
    return this.#packIds;
  }

  bytesOf(entry: number): Uint8Array {
    return this.#find(entry).bytes;
  }

  offsetOf(entry: number): number {
    const reader = this.#find(entry);
    return reader.entriesOffsetBytes + this.#position * reader.strideBytes;
  }

  packNumberAt(entry: number): number {
    return this.#packNumbers.get(this.packBlobIdAt(entry)) as number;
  }

  packBlobIdAt(entry: number): string {
    return this.#find(entry).packBlobIdAt(this.#position);
  }

  isDeletedAt(entry: number): boolean {
    return this.#find(entry).isDeletedAt(this.#position);
  }

  packOffsetAt(entry: number): number {
    return this.#find(entry).packOffsetAt(this.#position);
  }

  packedLengthAt(entry: number): number {
    return this.#find(entry).packedLengthAt(this.#position);
  }

  originalLengthAt(entry: number): number {
    return this.#find(entry).originalLengthAt(this.#position);
  }

  compressionHeaderIdAt(entry: number): number {
    return this.#find(entry).compressionHeaderIdAt(this.#position);
  }

  timestampSecondsAt(entry: number): number {
    return this.#find(entry).timestampSecondsAt(this.#position);
  }

  formatVersionAt(entry: number): number {
    return this.#find(entry).formatVersionAt(this.#position);
  }

  encryptionKeyIdAt(entry: number): number {
    return this.#find(entry).encryptionKeyIdAt(this.#position);
  }

  #merge(numbers: Uint32Array, isKept: KeepEntry): Uint32Array {
    const firstOf = new Map(this.#readers.map((reader, i) => [reader, this.#firsts[i] as number]));
    const cursor = new MergeCursor(this.#readers);
    let count = 0;
    while (cursor.next()) {
      const { reader, position } = cursor;
      if (!isKept(reader, position)) continue;
      this.#notePack(reader.packBlobIdAt(position));
      numbers[count++] = (firstOf.get(reader) as number) + position;
    }
    return numbers.subarray(0, count);
  }

  #notePack(packBlobId: string): void {
    if (this.#packNumbers.has(packBlobId)) return;
    this.#packNumbers.set(packBlobId, this.#packIds.length);
    this.#packIds.push(packBlobId);
  }

  /** The reader of an entry; its position there is `#position` then. */
  #find(entry: number): IndexReader {
    if (entry === this.#entry && this.#reader !== undefined) return this.#reader;
    const owner = lastAtMost(this.#firsts, entry);
    this.#entry = entry;
    this.#position = entry - (this.#firsts[owner] as number);
    return (this.#reader = this.#readers[owner] as IndexReader);
  }
}
