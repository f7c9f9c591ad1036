import { KopiaError } from "../../base/errors.ts";
import { releaseBytes } from "../../base/release-bytes.ts";
import type { ContentEntry, ContentId } from "../content-entry.ts";
import { MAX_CONTENT_KEY_BYTES, keyToContentId, writeContentKey } from "../content-id.ts";
import { entryWins } from "./entry-order.ts";
import { EntryRecords, type EntryRecordsParts } from "./entry-records.ts";
import { compareKeys, keyHash, type KeyPlace } from "./key-bytes.ts";
import { sortRecordsByKey } from "./key-sort.ts";
import type { SortableEntries } from "./numbered-entries.ts";

/** Answer of a cheap lookup: 0 absent, 1 present, 2 present but deleted. */
export type Presence = 0 | 1 | 2;

const EMPTY = 0;
const REMOVED = 0xffffffff;
const FIRST_SLOTS = 64;
/** Slots in use, removed ones included, stay below this part of all. */
const MAX_LOAD = 0.7;

/**
 * Index entries that are not yet in an index blob: a growing table of bytes with open addressing,
 * about 55 bytes an entry and no JavaScript object per content (design §4.2). One entry for each
 * content ID. Iteration is in order of first insertion.
 */
export class ContentEntryTable implements SortableEntries {
  /** Length of every key in bytes: 1 + hash length of the repository. */
  readonly keyLength: number;
  /** The entries as bytes, for the builder of indexes. */
  private recordsOfEntries: EntryRecords;
  /** Record number + 1, `EMPTY` or `REMOVED`. */
  private slots = new Uint32Array(FIRST_SLOTS);
  private usedSlots = 0;
  private entryCount = 0;
  private readonly scratchKey: Uint8Array;
  private readonly probe: KeyPlace;
  private readonly stored: KeyPlace;

  /** @param keyLength 1 + hash length, 2 to 33. @throws KopiaError `INDEX_LIMIT`. */
  constructor(keyLength: number) {
    if (!(Number.isInteger(keyLength) && keyLength >= 2 && keyLength <= MAX_CONTENT_KEY_BYTES)) {
      throw new KopiaError(
        "INDEX_LIMIT",
        `key length must be 2 to ${MAX_CONTENT_KEY_BYTES} bytes, is ${keyLength}`,
        { details: { keyLength } },
      );
    }
    this.keyLength = keyLength;
    this.recordsOfEntries = new EntryRecords(keyLength);
    this.scratchKey = new Uint8Array(MAX_CONTENT_KEY_BYTES);
    this.probe = { bytes: this.scratchKey, offset: 0 };
    this.stored = { bytes: this.scratchKey, offset: 0 };
  }

  /** Number of entries. */
  get size(): number {
    return this.entryCount;
  }

  /** The entries as records of bytes; free records are to be skipped. Read only. */
  get records(): EntryRecords {
    return this.recordsOfEntries;
  }

  /** @throws KopiaError `CONTENT_ID_INVALID` for an ID of another length, here and below. */
  get(id: ContentId): ContentEntry | undefined {
    const record = this.findRecord(this.keyOf(id));
    return record < 0 ? undefined : this.entryOf(record);
  }

  /** Cheap lookup by ID. */
  has(id: ContentId): Presence {
    return this.hasKey(this.keyOf(id));
  }

  /** As `has`, by binary key. */
  hasKey(key: Uint8Array): Presence {
    const record = this.findRecord(key);
    if (record < 0) return 0;
    return this.recordsOfEntries.isDeletedAt(record) ? 2 : 1;
  }

  /** Stores an entry, replacing one of the same content ID whatever it says. @throws KopiaError `INDEX_LIMIT`. */
  set(entry: ContentEntry): void {
    const key = this.keyOf(entry.contentId);
    const record = this.findRecord(key);
    if (record < 0) this.insert(key, entry);
    else this.recordsOfEntries.write(record, entry);
  }

  /**
   * Stores an entry unless the present one wins (spec 1 §7.6). Returns whether it was stored.
   * @throws KopiaError `INDEX_LIMIT`.
   */
  merge(entry: ContentEntry): boolean {
    const key = this.keyOf(entry.contentId);
    const record = this.findRecord(key);
    if (record < 0) {
      this.insert(key, entry);
      return true;
    }
    const records = this.recordsOfEntries;
    const present = {
      timestampSeconds: records.timestampSecondsAt(record),
      deleted: records.isDeletedAt(record),
      packBlobId: records.packBlobIdAt(record),
    };
    if (!entryWins(entry, present)) return false;
    records.write(record, entry);
    return true;
  }

  /** Merges entries that another thread has posted; as `merge` for each. */
  mergeParts(parts: EntryRecordsParts): void {
    const others = EntryRecords.fromParts(parts);
    for (let other = 0; other < others.count; other++) {
      if (others.isFree(other)) continue;
      const offset = others.offsetOf(other);
      const key = others.bytesOf(other).subarray(offset, offset + this.keyLength);
      if (this.findRecord(key) < 0) {
        this.inserted(key, this.recordsOfEntries.appendCopy(others, other));
      } else this.merge(entryAt(others, other));
    }
  }

  /** Forgets an entry. Returns whether there was one. */
  delete(id: ContentId): boolean {
    const key = this.keyOf(id);
    const slot = this.findSlot(key);
    const value = this.slots[slot] as number;
    if (value === EMPTY) return false;
    this.recordsOfEntries.free(value - 1);
    this.slots[slot] = REMOVED;
    this.entryCount--;
    return true;
  }

  clear(): void {
    this.recordsOfEntries = new EntryRecords(this.keyLength);
    this.slots = new Uint32Array(FIRST_SLOTS);
    this.usedSlots = 0;
    this.entryCount = 0;
  }

  /** As `clear`, and gives the memory back at once: nobody may hold `records` any more. */
  release(): void {
    this.recordsOfEntries.release();
    releaseBytes(this.slots);
    this.clear();
  }

  /** All entries, in order of first insertion. The table must not be changed meanwhile. */
  *entries(): Generator<ContentEntry, void, undefined> {
    const records = this.recordsOfEntries;
    for (let record = 0; record < records.count; record++) {
      if (!records.isFree(record)) yield this.entryOf(record);
    }
  }

  /** Record numbers of all entries in content ID order. */
  sortedRecords(): Uint32Array {
    const records = this.recordsOfEntries;
    const live = new Uint32Array(this.entryCount);
    let at = 0;
    for (let record = 0; record < records.count; record++) {
      if (!records.isFree(record)) live[at++] = record;
    }
    return sortRecordsByKey(records, live);
  }

  private keyOf(id: ContentId): Uint8Array {
    const keyLength = writeContentKey(id, this.scratchKey);
    if (keyLength !== this.keyLength) throw wrongKeyLength(id, keyLength, this.keyLength);
    return this.scratchKey;
  }

  private entryOf(record: number): ContentEntry {
    return entryAt(this.recordsOfEntries, record);
  }

  /** Record of a key, or -1. */
  private findRecord(key: Uint8Array): number {
    return (this.slots[this.findSlot(key)] as number) - 1;
  }

  /** Slot of a key, or the empty slot where the search ended. */
  private findSlot(key: Uint8Array): number {
    const { slots, probe, stored, recordsOfEntries: records } = this;
    const mask = slots.length - 1;
    probe.bytes = key;
    for (let slot = keyHash(key, 0, this.keyLength) & mask; ; slot = (slot + 1) & mask) {
      const value = slots[slot] as number;
      if (value === EMPTY) return slot;
      if (value === REMOVED) continue;
      stored.bytes = records.bytesOf(value - 1);
      stored.offset = records.offsetOf(value - 1);
      if (compareKeys(probe, stored, this.keyLength) === 0) return slot;
    }
  }

  private insert(key: Uint8Array, entry: ContentEntry): void {
    this.inserted(key, this.recordsOfEntries.append(key.subarray(0, this.keyLength), entry));
  }

  /** Makes an appended record findable. */
  private inserted(key: Uint8Array, record: number): void {
    this.entryCount++;
    if (this.usedSlots + 1 > this.slots.length * MAX_LOAD) this.rehash();
    else this.occupy(key, 0, record);
  }

  /** Puts a record into the first empty slot of its key. Removed slots are left until the next rehash. */
  private occupy(bytes: Uint8Array, offset: number, record: number): void {
    const mask = this.slots.length - 1;
    let slot = keyHash(bytes, offset, this.keyLength) & mask;
    while (this.slots[slot] !== EMPTY) slot = (slot + 1) & mask;
    this.slots[slot] = record + 1;
    this.usedSlots++;
  }

  /** Spreads all records, the newest included, over new slots and drops the removed ones. */
  private rehash(): void {
    const records = this.recordsOfEntries;
    let slotCount = this.slots.length;
    while (this.entryCount + 1 > (slotCount * MAX_LOAD) / 1.5) slotCount *= 2;
    this.slots = new Uint32Array(slotCount);
    this.usedSlots = 0;
    for (let record = 0; record < records.count; record++) {
      if (records.isFree(record)) continue;
      this.occupy(records.bytesOf(record), records.offsetOf(record), record);
    }
  }
}

function entryAt(records: EntryRecords, record: number): ContentEntry {
  const offset = records.offsetOf(record);
  const key = records.bytesOf(record).subarray(offset, offset + records.keyLength);
  return {
    contentId: keyToContentId(key),
    packBlobId: records.packBlobIdAt(record),
    timestampSeconds: records.timestampSecondsAt(record),
    packOffset: records.packOffsetAt(record),
    packedLength: records.packedLengthAt(record),
    originalLength: records.originalLengthAt(record),
    deleted: records.isDeletedAt(record),
    compressionHeaderId: records.compressionHeaderIdAt(record),
    formatVersion: records.formatVersionAt(record),
    encryptionKeyId: records.encryptionKeyIdAt(record),
  };
}

/** The error of a content ID whose hash length is not the repository's (spec 1 §13.14). */
export function wrongKeyLength(id: ContentId, found: number, expected: number): KopiaError {
  return new KopiaError(
    "CONTENT_ID_INVALID",
    `content ID ${id} has a hash of ${found - 1} bytes, but this repository uses ${expected - 1}`,
    { details: { contentId: id, hashLengthBytes: found - 1, expectedLengthBytes: expected - 1 } },
  );
}
