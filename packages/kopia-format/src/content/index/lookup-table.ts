import { lastAtMost } from "../../base/last-at-most.ts";
import { entryWins, rankOf } from "./entry-order.ts";
import type { IndexReader } from "./index-reader.ts";
import { compareKeys, keyFingerprint, keyHash, type KeyPlace } from "./key-bytes.ts";

/** A lookup table without its readers, over memory that threads may share. */
export interface LookupTableParts {
  readonly slots: Uint32Array;
  /** Low bits of a slot that are a number; those above are a fingerprint. */
  readonly numberBits: number;
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
const MAX_NUMBER_BITS = 32;

/**
 * A search in place takes as long as putting so many entries into the table. What is opened for a few lookups, as to list
 * snapshots, so needs no table at all.
 */
const ENTRIES_PER_SEARCH = 10;

/** Readers of so many entries are searched in place. */
const LARGE_ENTRY_COUNT = 2 ** 17;
/** Each large reader costs every lookup a search of about a microsecond: with ten of them the table is far cheaper. */
const MAX_LARGE_READERS = 3;

/**
 * One hash table over the entries of several index readers. A slot is the number of the winning entry + 1, and above it as
 * much of a fingerprint of its key as there is room for; entries are numbered through all readers. Six bytes an entry.
 * The table is made, and readers are put into it, when there have been so many lookups that it is worth it.
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
  private readonly largeReaders: PlacedReader[] = [];
  /** Readers that are not in the table yet, and lookups that may search them in place. */
  private pending: PlacedReader[] = [];
  private searchesLeft = 0;
  /** Other threads read the slots: before the next change they are copied. */
  private isHandedOut = false;
  private slots: Uint32Array = new Uint32Array(0);
  private numberBits = 0;
  private numberMask = 0;
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
    table.pending = [];
    table.slots = parts.slots;
    table.setNumberBits(parts.numberBits);
    table.tableKeyCount = parts.keyCount;
    return table;
  }

  /** Parts for other threads; later changes of this table do not reach them. */
  parts(): LookupTableParts {
    this.insertPending();
    this.isHandedOut = true;
    const { slots, numberBits, tableKeyCount: keyCount, largeEntryCount } = this;
    return { slots, numberBits, keyCount, largeEntryCount };
  }

  /** Keys, of which those that are in several large readers may count more than once. */
  get keyCount(): number {
    this.insertPending();
    return this.largeReaders.reduce(
      (sum, { reader }) => sum + reader.entryCount,
      this.tableKeyCount,
    );
  }

  get residentBytes(): number {
    let bytes = this.slots.byteLength;
    for (const reader of this.readers) bytes += reader.bytes.length;
    return bytes;
  }

  /** Adds readers, whose keys must all have the table's length. Of equal keys the winner counts (spec 1 §7.6). */
  insertAll(readers: readonly IndexReader[]): void {
    for (const reader of readers) this.addReader(reader);
    const { pending } = this;
    const entryCount = pending.reduce((sum, { reader }) => sum + reader.entryCount, 0);
    this.searchesLeft = Math.floor(entryCount / (ENTRIES_PER_SEARCH * pending.length));
  }

  /** Looks a key up; on success `foundReader` and `foundPosition` tell where its winning entry is. */
  find(key: Uint8Array, offset: number): boolean {
    if (this.pending.length > 0 && this.searchesLeft-- <= 0) this.insertPending();
    let isFound = false;
    if (this.tableKeyCount > 0) {
      this.probe.bytes = key;
      this.probe.offset = offset;
      isFound = this.slots[this.seek()] !== 0;
    }
    for (const placed of this.pending) isFound = this.findIn(placed, key, offset, isFound);
    for (const placed of this.largeReaders) isFound = this.findIn(placed, key, offset, isFound);
    return isFound;
  }

  /** Searches a reader in place; what it has becomes the found entry if it wins over the one found before. */
  private findIn(
    { reader, first }: PlacedReader,
    key: Uint8Array,
    offset: number,
    isFound: boolean,
  ): boolean {
    const position = reader.findAt(key, offset);
    if (position < 0) return isFound;
    const { foundReader, foundPosition } = this;
    if (isFound && !entryWins(rankOf(reader, position), rankOf(foundReader, foundPosition))) {
      return true;
    }
    this.foundReader = reader;
    this.foundPosition = position;
    this.foundNumber = first + position;
    return true;
  }

  private addReader(reader: IndexReader): void {
    const placed = { reader, first: this.entryCount };
    this.readers.push(reader);
    this.firstNumbers.push(placed.first);
    this.entryCount += reader.entryCount;
    if (reader.entryCount === 0) return;
    this.keyLength = reader.keyLength;
    const isLarge = reader.entryCount >= this.largeEntryCount;
    if (isLarge && this.largeReaders.length < MAX_LARGE_READERS) this.largeReaders.push(placed);
    else this.pending.push(placed);
  }

  /** Puts into the table what is not there yet. */
  private insertPending(): void {
    const { pending } = this;
    if (pending.length === 0) return;
    this.pending = [];
    const added = pending.reduce((sum, { reader }) => sum + reader.entryCount, 0);
    this.reserve(this.tableKeyCount + added);
    if (this.isHandedOut) this.replaceSlots(this.slots.slice());
    for (const { reader, first } of pending) {
      for (let position = 0; position < reader.entryCount; position++) {
        this.insert(reader, position, first + position);
      }
    }
  }

  private insert(reader: IndexReader, position: number, number: number): void {
    const { probe } = this;
    probe.bytes = reader.bytes;
    probe.offset = reader.entriesOffsetBytes + position * reader.strideBytes;
    const slot = this.seek();
    if (this.slots[slot] === 0) this.tableKeyCount++;
    else if (!entryWins(rankOf(reader, position), rankOf(this.foundReader, this.foundPosition))) {
      return;
    }
    this.slots[slot] = this.slotOf(probe.bytes, probe.offset, number);
  }

  private slotOf(bytes: Uint8Array, offset: number, number: number): number {
    return (keyFingerprint(bytes, offset, this.keyLength) & ~this.numberMask) | (number + 1);
  }

  /**
   * Slot of the probed key, with `foundReader` and `foundPosition` set, or the empty slot where it
   * would go. The table always has empty slots.
   */
  private seek(): number {
    const { slots, probe, keyLength, numberMask } = this;
    const fingerprint = keyFingerprint(probe.bytes, probe.offset, keyLength) & ~numberMask;
    let place = homeSlot(keyHash(probe.bytes, probe.offset, keyLength), slots.length);
    for (;;) {
      const slot = slots[place] as number;
      if (slot === 0) return place;
      const isLikely = (slot & ~numberMask) === fingerprint;
      if (isLikely && this.isProbed(((slot & numberMask) >>> 0) - 1)) return place;
      place = place + 1 === slots.length ? 0 : place + 1;
    }
  }

  /** Whether an entry has the probed key; if so it becomes the found one. */
  private isProbed(number: number): boolean {
    const reader = this.placeStored(number);
    if (compareKeys(this.probe, this.stored, this.keyLength) !== 0) return false;
    this.foundReader = reader;
    this.foundPosition = (this.stored.offset - reader.entriesOffsetBytes) / reader.strideBytes;
    this.foundNumber = number;
    return true;
  }

  /** Points `stored` to the key of an entry. @returns its reader. */
  private placeStored(number: number): IndexReader {
    // Empty readers share their first number with the next.
    const owner = lastAtMost(this.firstNumbers, number);
    const reader = this.readers[owner] as IndexReader;
    const position = number - (this.firstNumbers[owner] as number);
    this.stored.bytes = reader.bytes;
    this.stored.offset = reader.entriesOffsetBytes + position * reader.strideBytes;
    return reader;
  }

  /** Makes room for so many keys, and for the numbers of all entries. */
  private reserve(keyCount: number): void {
    const slotCount = this.slots.length;
    const hasRoom = keyCount <= slotCount * MAX_LOAD;
    if (hasRoom && this.entryCount < 2 ** this.numberBits) return;
    const wanted = Math.max(
      MIN_SLOTS,
      slotCount,
      Math.ceil(keyCount * SLOTS_PER_KEY),
      Math.ceil(slotCount * (hasRoom ? 1 : GROWTH)),
    );
    const previous = this.slots;
    const previousMask = this.numberMask;
    this.replaceSlots(new Uint32Array(wanted));
    // A bit more than now, so that numbers may grow for a while.
    this.setNumberBits(Math.min(MAX_NUMBER_BITS, 33 - Math.clz32(this.entryCount)));
    this.rehash(previous, previousMask);
  }

  private setNumberBits(numberBits: number): void {
    this.numberBits = numberBits;
    this.numberMask = numberBits >= MAX_NUMBER_BITS ? -1 : 2 ** numberBits - 1;
  }

  private replaceSlots(slots: Uint32Array): void {
    this.isHandedOut = false;
    if (this.shared) {
      this.slots = new Uint32Array(new SharedArrayBuffer(slots.byteLength));
      this.slots.set(slots);
    } else this.slots = slots;
  }

  private rehash(previous: Uint32Array, previousMask: number): void {
    const { slots, stored } = this;
    for (const slot of previous) {
      if (slot === 0) continue;
      const number = ((slot & previousMask) >>> 0) - 1;
      this.placeStored(number);
      let place = homeSlot(keyHash(stored.bytes, stored.offset, this.keyLength), slots.length);
      while (slots[place] !== 0) place = place + 1 === slots.length ? 0 : place + 1;
      slots[place] = this.slotOf(stored.bytes, stored.offset, number);
    }
  }
}

/** A reader, and the number of its first entry. */
interface PlacedReader {
  readonly reader: IndexReader;
  readonly first: number;
}

const NO_BYTES = new Uint8Array(0);
/** Stands for "nothing found yet"; never read. */
const NO_READER = undefined as unknown as IndexReader;

/** Spreads 32-bit hashes over any number of slots without a division. */
function homeSlot(hash: number, slotCount: number): number {
  return Math.floor((hash * slotCount) / 2 ** 32);
}
