import { entryWins, rankOf } from "./entry-order.ts";
import type { IndexReader } from "./index-reader.ts";
import { compareKeys, keyFingerprint, keyHash, type KeyPlace } from "./key-bytes.ts";

/** A lookup table without its readers, over memory that threads may share. */
export interface LookupTableParts {
  readonly slots: Uint32Array;
  readonly keyCount: number;
  /** Decides, with the order of the readers, which of them are searched in place. */
  readonly largeEntryCount: number;
}

/** Slots per key when the table is made: at load 2/3 a lookup looks at two slots on average. */
const SLOTS_PER_KEY = 1.5;
/** Growing adds this much, so that adding a few entries at a time stays linear. */
const GROWTH = 1.5;
const MIN_SLOTS = 64;
/** Slots are full above this load. */
const MAX_LOAD = 0.75;
const WORDS_PER_SLOT = 2;

/** Readers of so many entries are searched in place. */
const LARGE_ENTRY_COUNT = 2 ** 17;
/** Each large reader costs every lookup a search of about a microsecond: with ten of them the table is far cheaper. */
const MAX_LARGE_READERS = 3;

/**
 * One hash table over the entries of several index readers. A slot is a fingerprint of the key and the
 * number of the winning entry + 1; entries are numbered through all readers. Twelve bytes an entry.
 *
 * A few large readers stay out of it and are searched in place: hashes are spread evenly, so a search by
 * interpolation finds a key in a handful of steps, and an index of millions of contents needs no memory but its own.
 */
export class LookupTable {
  /** Readers in order of insertion. */
  readonly readers: IndexReader[] = [];
  /** Length of all keys in bytes; 0 while there is none. */
  keyLength = 0;
  /** Distinct keys in the table. */
  private tableKeyCount = 0;
  /** Result of the last successful `find`. */
  foundReader: IndexReader = NO_READER;
  foundPosition = 0;
  /** Number of the found entry through all readers, below `entryCount`. */
  foundNumber = 0;

  private readonly shared: boolean;
  private readonly largeEntryCount: number;
  private readonly largeReaders: IndexReader[] = [];
  /** Readers whose entries are in the table. */
  private readonly tableReaders: IndexReader[] = [];
  /** Other threads read the slots: before the next change they are copied. */
  private isHandedOut = false;
  private slots: Uint32Array = new Uint32Array(0);
  private slotCount = 0;
  /** Number of each reader's first entry. */
  private readonly firstNumbers: number[] = [];
  /** Entries of all readers, losing ones included. */
  entryCount = 0;
  private readonly probe: KeyPlace = { bytes: NO_BYTES, offset: 0 };
  private readonly stored: KeyPlace = { bytes: NO_BYTES, offset: 0 };

  /** @param largeEntryCount readers of so many entries are searched in place. */
  constructor(shared: boolean, largeEntryCount: number = LARGE_ENTRY_COUNT) {
    this.shared = shared;
    this.largeEntryCount = largeEntryCount;
  }

  /** A table in another thread: the same readers in the same order, and shared slots. */
  static fromParts(readers: readonly IndexReader[], parts: LookupTableParts): LookupTable {
    const table = new LookupTable(true, parts.largeEntryCount);
    for (const reader of readers) table.addReader(reader);
    table.slots = parts.slots;
    table.slotCount = parts.slots.length / WORDS_PER_SLOT;
    table.tableKeyCount = parts.keyCount;
    return table;
  }

  /** Parts for other threads; later changes of this table do not reach them. */
  parts(): LookupTableParts {
    this.isHandedOut = true;
    const { slots, tableKeyCount: keyCount, largeEntryCount } = this;
    return { slots, keyCount, largeEntryCount };
  }

  /** Keys, of which those that are in several readers may count more than once. */
  get keyCount(): number {
    return this.largeReaders.reduce((sum, { entryCount }) => sum + entryCount, this.tableKeyCount);
  }

  get residentBytes(): number {
    let bytes = this.slots.byteLength;
    for (const reader of this.readers) bytes += reader.bytes.length;
    return bytes;
  }

  /** Adds readers, whose keys must all have the table's length. Of equal keys the winner stays (spec 1 §7.6). */
  insertAll(readers: readonly IndexReader[]): void {
    const small: { readonly reader: IndexReader; readonly first: number }[] = [];
    let added = 0;
    for (const reader of readers) {
      const first = this.entryCount;
      if (this.addReader(reader)) continue;
      small.push({ reader, first });
      added += reader.entryCount;
    }
    this.reserve(this.tableKeyCount + added);
    if (this.isHandedOut && added > 0) this.copySlots();
    for (const { reader, first } of small) {
      for (let position = 0; position < reader.entryCount; position++) {
        this.insert(reader, position, first + position);
      }
    }
  }

  /** Looks a key up; on success `foundReader` and `foundPosition` tell where its winning entry is. */
  find(key: Uint8Array, offset: number): boolean {
    let isFound = false;
    if (this.tableKeyCount > 0) {
      this.probe.bytes = key;
      this.probe.offset = offset;
      isFound = this.slots[2 * this.seek() + 1] !== 0;
    }
    for (const reader of this.largeReaders) {
      const position = reader.findAt(key, offset);
      if (position < 0) continue;
      const { foundReader, foundPosition } = this;
      if (isFound && !entryWins(rankOf(reader, position), rankOf(foundReader, foundPosition))) {
        continue;
      }
      isFound = true;
      this.foundReader = reader;
      this.foundPosition = position;
    }
    return isFound;
  }

  /** @returns whether the reader is searched in place. */
  private addReader(reader: IndexReader): boolean {
    this.readers.push(reader);
    if (reader.entryCount > 0) this.keyLength = reader.keyLength;
    const isLarge = reader.entryCount >= this.largeEntryCount;
    if (isLarge && this.largeReaders.length < MAX_LARGE_READERS) {
      this.largeReaders.push(reader);
      return true;
    }
    this.tableReaders.push(reader);
    this.firstNumbers.push(this.entryCount);
    this.entryCount += reader.entryCount;
    return false;
  }

  private insert(reader: IndexReader, position: number, number: number): void {
    this.probe.bytes = reader.bytes;
    this.probe.offset = reader.entriesOffsetBytes + position * reader.strideBytes;
    const slot = this.seek();
    const place = WORDS_PER_SLOT * slot;
    if (this.slots[place + 1] === 0) {
      this.slots[place] = keyFingerprint(this.probe.bytes, this.probe.offset, this.keyLength);
      this.slots[place + 1] = number + 1;
      this.tableKeyCount++;
    } else if (entryWins(rankOf(reader, position), rankOf(this.foundReader, this.foundPosition))) {
      this.slots[place + 1] = number + 1;
    }
  }

  /**
   * Slot of the probed key, with `foundReader` and `foundPosition` set, or the empty slot where it
   * would go. The table always has empty slots.
   */
  private seek(): number {
    const { slots, probe, keyLength, slotCount } = this;
    const fingerprint = keyFingerprint(probe.bytes, probe.offset, keyLength);
    let slot = homeSlot(keyHash(probe.bytes, probe.offset, keyLength), slotCount);
    for (;;) {
      const number = slots[WORDS_PER_SLOT * slot + 1] as number;
      if (number === 0) return slot;
      if (slots[WORDS_PER_SLOT * slot] === fingerprint && this.isProbed(number - 1)) return slot;
      slot = slot + 1 === slotCount ? 0 : slot + 1;
    }
  }

  /** Whether an entry has the probed key; if so it becomes the found one. */
  private isProbed(number: number): boolean {
    const readerIndex = this.readerIndexOf(number);
    const reader = this.tableReaders[readerIndex] as IndexReader;
    const position = number - (this.firstNumbers[readerIndex] as number);
    this.stored.bytes = reader.bytes;
    this.stored.offset = reader.entriesOffsetBytes + position * reader.strideBytes;
    if (compareKeys(this.probe, this.stored, this.keyLength) !== 0) return false;
    this.foundReader = reader;
    this.foundPosition = position;
    this.foundNumber = number;
    return true;
  }

  private readerIndexOf(number: number): number {
    const { firstNumbers } = this;
    let low = 0;
    let high = firstNumbers.length - 1;
    // The last reader that starts at or before the number; empty readers share their start with the next.
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((firstNumbers[middle] as number) <= number) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private reserve(keyCount: number): void {
    if (keyCount <= this.slotCount * MAX_LOAD) return;
    const wanted = Math.max(
      MIN_SLOTS,
      Math.ceil(keyCount * SLOTS_PER_KEY),
      Math.ceil(this.slotCount * (this.slotCount === 0 ? 1 : GROWTH)),
    );
    const previous = this.slots;
    this.slots = this.allocate(wanted * WORDS_PER_SLOT);
    this.isHandedOut = false;
    this.slotCount = wanted;
    this.rehash(previous);
  }

  private copySlots(): void {
    const copy = this.allocate(this.slots.length);
    copy.set(this.slots);
    this.slots = copy;
    this.isHandedOut = false;
  }

  private allocate(words: number): Uint32Array {
    return this.shared
      ? new Uint32Array(new SharedArrayBuffer(words * Uint32Array.BYTES_PER_ELEMENT))
      : new Uint32Array(words);
  }

  private rehash(previous: Uint32Array): void {
    const { slots, slotCount } = this;
    for (let place = 0; place < previous.length; place += WORDS_PER_SLOT) {
      const number = previous[place + 1] as number;
      if (number === 0) continue;
      const readerIndex = this.readerIndexOf(number - 1);
      const reader = this.tableReaders[readerIndex] as IndexReader;
      const position = number - 1 - (this.firstNumbers[readerIndex] as number);
      const offset = reader.entriesOffsetBytes + position * reader.strideBytes;
      let slot = homeSlot(keyHash(reader.bytes, offset, this.keyLength), slotCount);
      while (slots[WORDS_PER_SLOT * slot + 1] !== 0) slot = slot + 1 === slotCount ? 0 : slot + 1;
      slots[WORDS_PER_SLOT * slot] = previous[place] as number;
      slots[WORDS_PER_SLOT * slot + 1] = number;
    }
  }
}

const NO_BYTES = new Uint8Array(0);
/** Stands for "nothing found yet"; never read. */
const NO_READER = undefined as unknown as IndexReader;

/** Spreads 32-bit hashes over any number of slots without a division. */
function homeSlot(hash: number, slotCount: number): number {
  return Math.floor((hash * slotCount) / 2 ** 32);
}
