import {
  lastAtMost,
  releaseBytes,
  type BlobId,
  type ContentId,
  type IndexReader,
} from "@kopia-engine/kopia-format";

const FIRST_CAPACITY = 1024;
const HALF_OFFSET = 2 ** 16;

/**
 * Index entries in the order in which their contents lie in their packs, so that each pack is read once: eight bytes
 * for each, twenty while they are put in order, and no object. Packs come in the order in which they were named first.
 */
export class ContentsByPlace {
  readonly #readers: IndexReader[] = [];
  /** Number of each reader's first entry. An entry's number is this and its position. */
  readonly #firsts: number[] = [];
  readonly #firstOfReader = new Map<IndexReader, number>();
  #entryCount = 0;
  readonly #packNumbers = new Map<BlobId, number>();
  #length = 0;
  #entries = new Uint32Array(FIRST_CAPACITY);
  #offsets = new Uint32Array(FIRST_CAPACITY);
  #packs = new Uint32Array(FIRST_CAPACITY);
  #order = new Uint32Array(0);

  get length(): number {
    return this.#length;
  }

  add(reader: IndexReader, position: number): void {
    const at = this.#length++;
    if (at === this.#entries.length) {
      this.#entries = doubled(this.#entries);
      this.#offsets = doubled(this.#offsets);
      this.#packs = doubled(this.#packs);
    }
    this.#entries[at] = this.#firstOf(reader) + position;
    this.#offsets[at] = reader.packOffsetAt(position);
    this.#packs[at] = this.#packNumberOf(reader.packBlobIdAt(position));
  }

  /** Puts in order what was added; nothing may be added any more. */
  sort(): void {
    const offsets = this.#offsets;
    const packs = this.#packs;
    let order = new Uint32Array(this.#length);
    for (let i = 0; i < order.length; i++) order[i] = i;
    order = countingPass(order, HALF_OFFSET, (i) => (offsets[i] as number) % HALF_OFFSET);
    order = countingPass(order, HALF_OFFSET, (i) => (offsets[i] as number) >>> 16);
    this.#order = countingPass(order, this.#packNumbers.size, (i) => packs[i] as number);
    releaseBytes(offsets);
    releaseBytes(packs);
  }

  /** Content IDs of so many entries from a place in the order. */
  idsFrom(start: number, count: number): ContentId[] {
    return Array.from(this.#order.subarray(start, start + count), (i) => {
      const entry = this.#entries[i] as number;
      const owner = lastAtMost(this.#firsts, entry);
      const reader = this.#readers[owner] as IndexReader;
      return reader.contentIdAt(entry - (this.#firsts[owner] as number));
    });
  }

  #firstOf(reader: IndexReader): number {
    let first = this.#firstOfReader.get(reader);
    if (first === undefined) {
      first = this.#entryCount;
      this.#firstOfReader.set(reader, first);
      this.#firsts.push(first);
      this.#readers.push(reader);
      this.#entryCount += reader.entryCount;
    }
    return first;
  }

  #packNumberOf(packBlobId: BlobId): number {
    let number = this.#packNumbers.get(packBlobId);
    if (number === undefined) {
      number = this.#packNumbers.size;
      this.#packNumbers.set(packBlobId, number);
    }
    return number;
  }
}

/** One stable pass by a digit. The input's memory is given back. */
function countingPass(
  input: Uint32Array<ArrayBuffer>,
  digitCount: number,
  digitOf: (i: number) => number,
): Uint32Array<ArrayBuffer> {
  const next = new Uint32Array(digitCount + 1);
  for (const i of input) {
    const after = digitOf(i) + 1;
    next[after] = (next[after] as number) + 1;
  }
  for (let digit = 1; digit <= digitCount; digit++) {
    next[digit] = (next[digit] as number) + (next[digit - 1] as number);
  }
  const output = new Uint32Array(input.length);
  for (const i of input) {
    const digit = digitOf(i);
    const place = next[digit] as number;
    next[digit] = place + 1;
    output[place] = i;
  }
  releaseBytes(input);
  return output;
}

function doubled(values: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * values.length);
  larger.set(values);
  releaseBytes(values);
  return larger;
}
