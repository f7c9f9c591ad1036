import { KopiaError } from "../../base/errors.ts";
import { releaseBytes } from "../../base/release-bytes.ts";
import type { ContentEntry } from "../content-entry.ts";
import type { NumberedEntries } from "./numbered-entries.ts";

/** A record of `EntryRecords` behind its key: offsets in bytes. */
const RECORD = {
  /** u32: number of the pack blob ID, or `FREE`. */
  packNumber: 0,
  /** u32: bit 31 deleted. */
  packOffset: 4,
  packedLength: 8,
  originalLength: 12,
  compression: 16,
  /** u48. */
  timestamp: 20,
  formatVersion: 26,
  keyId: 27,
  size: 28,
} as const;

const DELETED = 2 ** 31;
const FREE = 0xffffffff;
const RECORDS_PER_CHUNK_LOG2 = 12;
const RECORDS_PER_CHUNK = 2 ** RECORDS_PER_CHUNK_LOG2;
const FIRST_CHUNK_RECORDS = 64;

/** Largest values that a record holds; the index formats are stricter (spec 1 §7.3). */
const LIMITS = {
  packOffset: 2 ** 31,
  packedLength: 2 ** 32,
  originalLength: 2 ** 32,
  compressionHeaderId: 2 ** 32,
  timestampSeconds: 2 ** 48,
  formatVersion: 2 ** 8,
  encryptionKeyId: 2 ** 8,
} as const;

/** Records as plain parts, to be posted to another thread. */
export interface EntryRecordsParts {
  readonly keyLength: number;
  readonly chunks: readonly Uint8Array<ArrayBuffer>[];
  readonly count: number;
  readonly packBlobIds: readonly string[];
}

/**
 * Entries as records of bytes in chunks: growing copies nothing but the first, small chunk. Records
 * are numbered in order of appending and never move; a removed one stays behind, marked free.
 */
export class EntryRecords implements NumberedEntries {
  readonly keyLength: number;
  private readonly strideBytes: number;
  private readonly chunks: DataView[] = [];
  private readonly chunkBytes: Uint8Array<ArrayBuffer>[] = [];
  private readonly packIds: string[] = [];
  private readonly packNumbers = new Map<string, number>();
  private recordCount = 0;

  constructor(keyLength: number) {
    this.keyLength = keyLength;
    this.strideBytes = keyLength + RECORD.size;
  }

  /** Records that another thread has posted. */
  static fromParts(parts: EntryRecordsParts): EntryRecords {
    const records = new EntryRecords(parts.keyLength);
    for (const bytes of parts.chunks) {
      records.chunkBytes.push(bytes);
      records.chunks.push(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
    }
    for (const packBlobId of parts.packBlobIds) records.packNumberOf(packBlobId);
    records.recordCount = parts.count;
    return records;
  }

  /** The records to be posted; nothing may be added to them afterwards. */
  parts(): EntryRecordsParts {
    const { keyLength, chunkBytes: chunks, recordCount: count, packIds: packBlobIds } = this;
    return { keyLength, chunks, count, packBlobIds };
  }

  /** Records appended so far, free ones included. */
  get count(): number {
    return this.recordCount;
  }

  /** Distinct pack blob IDs, by pack number. */
  get packBlobIds(): readonly string[] {
    return this.packIds;
  }

  /** Bytes of the chunk that holds a record. */
  bytesOf(record: number): Uint8Array {
    return this.chunkBytes[record >>> RECORDS_PER_CHUNK_LOG2] as Uint8Array;
  }

  /** Offset of a record's key in `bytesOf`. */
  offsetOf(record: number): number {
    return (record & (RECORDS_PER_CHUNK - 1)) * this.strideBytes;
  }

  /** Appends a record with this key and the entry's values; returns its number. */
  append(key: Uint8Array, entry: ContentEntry): number {
    checkLimits(entry);
    const record = this.recordCount;
    this.reserve(record);
    this.bytesOf(record).set(key, this.offsetOf(record));
    this.recordCount++;
    this.writeValues(record, entry);
    return record;
  }

  /** Appends a copy of a record of others; returns its number. */
  appendCopy(others: EntryRecords, other: number): number {
    const record = this.recordCount;
    this.reserve(record);
    const start = others.offsetOf(other);
    const copied = others.bytesOf(other).subarray(start, start + this.strideBytes);
    this.bytesOf(record).set(copied, this.offsetOf(record));
    this.recordCount++;
    const packNumber = this.packNumberOf(others.packBlobIdAt(other));
    this.viewOf(record).setUint32(this.valueOffset(record) + RECORD.packNumber, packNumber);
    return record;
  }

  /** Replaces the values of a record. @throws KopiaError `INDEX_LIMIT`. */
  write(record: number, entry: ContentEntry): void {
    checkLimits(entry);
    this.writeValues(record, entry);
  }

  private writeValues(record: number, entry: ContentEntry): void {
    const view = this.viewOf(record);
    const at = this.valueOffset(record);
    view.setUint32(at + RECORD.packNumber, this.packNumberOf(entry.packBlobId));
    view.setUint32(at + RECORD.packOffset, entry.packOffset + (entry.deleted ? DELETED : 0));
    view.setUint32(at + RECORD.packedLength, entry.packedLength);
    view.setUint32(at + RECORD.originalLength, entry.originalLength);
    view.setUint32(at + RECORD.compression, entry.compressionHeaderId);
    view.setUint16(at + RECORD.timestamp, Math.floor(entry.timestampSeconds / 2 ** 32));
    view.setUint32(at + RECORD.timestamp + 2, entry.timestampSeconds % 2 ** 32);
    view.setUint8(at + RECORD.formatVersion, entry.formatVersion);
    view.setUint8(at + RECORD.keyId, entry.encryptionKeyId);
  }

  /** Gives the memory back at once: the records must not be used any more. */
  release(): void {
    for (const bytes of this.chunkBytes) releaseBytes(bytes);
  }

  free(record: number): void {
    this.viewOf(record).setUint32(this.valueOffset(record) + RECORD.packNumber, FREE);
  }

  isFree(record: number): boolean {
    return this.packNumberAt(record) === FREE;
  }

  packNumberAt(record: number): number {
    return this.viewOf(record).getUint32(this.valueOffset(record) + RECORD.packNumber);
  }

  packBlobIdAt(record: number): string {
    return this.packIds[this.packNumberAt(record)] as string;
  }

  isDeletedAt(record: number): boolean {
    return this.viewOf(record).getUint8(this.valueOffset(record) + RECORD.packOffset) >= 0x80;
  }

  packOffsetAt(record: number): number {
    return this.viewOf(record).getUint32(this.valueOffset(record) + RECORD.packOffset) % DELETED;
  }

  packedLengthAt(record: number): number {
    return this.viewOf(record).getUint32(this.valueOffset(record) + RECORD.packedLength);
  }

  originalLengthAt(record: number): number {
    return this.viewOf(record).getUint32(this.valueOffset(record) + RECORD.originalLength);
  }

  compressionHeaderIdAt(record: number): number {
    return this.viewOf(record).getUint32(this.valueOffset(record) + RECORD.compression);
  }

  timestampSecondsAt(record: number): number {
    const at = this.valueOffset(record) + RECORD.timestamp;
    const view = this.viewOf(record);
    return view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2);
  }

  formatVersionAt(record: number): number {
    return this.viewOf(record).getUint8(this.valueOffset(record) + RECORD.formatVersion);
  }

  encryptionKeyIdAt(record: number): number {
    return this.viewOf(record).getUint8(this.valueOffset(record) + RECORD.keyId);
  }

  private viewOf(record: number): DataView {
    return this.chunks[record >>> RECORDS_PER_CHUNK_LOG2] as DataView;
  }

  private valueOffset(record: number): number {
    return this.offsetOf(record) + this.keyLength;
  }

  private packNumberOf(packBlobId: string): number {
    let number = this.packNumbers.get(packBlobId);
    if (number === undefined) {
      number = this.packIds.length;
      this.packIds.push(packBlobId);
      this.packNumbers.set(packBlobId, number);
    }
    return number;
  }

  /** Makes room for a record that is about to be appended. */
  private reserve(record: number): void {
    const chunk = record >>> RECORDS_PER_CHUNK_LOG2;
    const present = this.chunkBytes[chunk];
    if (present !== undefined && this.offsetOf(record) < present.length) return;
    const presentRecords = present === undefined ? 0 : present.length / this.strideBytes;
    const wantedRecords =
      chunk > 0 ? RECORDS_PER_CHUNK : Math.max(FIRST_CHUNK_RECORDS, presentRecords * 2);
    const bytes = new Uint8Array(wantedRecords * this.strideBytes);
    if (present !== undefined) bytes.set(present);
    this.chunkBytes[chunk] = bytes;
    this.chunks[chunk] = new DataView(bytes.buffer);
  }
}

function checkLimits(entry: ContentEntry): void {
  // Every write session comes through here with every content: named fields are several times faster
  // than a loop over names, which is for the message only.
  const fit =
    fits(entry.packOffset, LIMITS.packOffset) &&
    fits(entry.packedLength, LIMITS.packedLength) &&
    fits(entry.originalLength, LIMITS.originalLength) &&
    fits(entry.compressionHeaderId, LIMITS.compressionHeaderId) &&
    fits(entry.timestampSeconds, LIMITS.timestampSeconds) &&
    fits(entry.formatVersion, LIMITS.formatVersion) &&
    fits(entry.encryptionKeyId, LIMITS.encryptionKeyId);
  if (!fit) throw limitExceeded(entry);
}

function fits(value: number, limit: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < limit;
}

function limitExceeded(entry: ContentEntry): KopiaError {
  const names = Object.keys(LIMITS) as (keyof typeof LIMITS)[];
  const name = names.find((field) => !fits(entry[field], LIMITS[field])) as keyof typeof LIMITS;
  const value = entry[name];
  return new KopiaError(
    "INDEX_LIMIT",
    `content ${entry.contentId}: ${name} must be an integer from 0 to ${LIMITS[name] - 1}, is ${value}`,
    { details: { contentId: entry.contentId, field: name, value } },
  );
}
