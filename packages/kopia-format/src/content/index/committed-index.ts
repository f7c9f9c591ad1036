import type { BlobId } from "../../blob/storage.ts";
import type { ContentEntry, ContentId } from "../content-entry.ts";
import { ALL_CONTENTS, MAX_CONTENT_KEY_BYTES, writeContentKey } from "../content-id.ts";
import type { ContentQuery } from "../content-store.ts";
import { corruptIndex } from "./base-index-reader.ts";
import type { ContentPlaces } from "./content-places.ts";
import { wrongKeyLength, type Presence } from "./entry-table.ts";
import type { IndexReader } from "./index-reader.ts";
import { LookupTable, type LookupTableParts } from "./lookup-table.ts";
import { MergeCursor } from "./merge-cursor.ts";
import { openIndex } from "./open-index.ts";

/** An index blob, decrypted. */
export interface IndexBlobBytes {
  readonly blobId: BlobId;
  readonly bytes: Uint8Array;
}

/** A committed index as plain parts over shared memory, to be posted to a worker thread. */
export interface SharedCommittedIndex {
  readonly blobs: readonly IndexBlobBytes[];
  readonly table: LookupTableParts;
  readonly watermarkSeconds: number;
}

/** How a committed index keeps its bytes. */
export interface CommittedIndexOptions {
  /** Copies bytes into shared memory, so that `share` can hand them to worker threads. Default false. */
  readonly shared?: boolean;
  /** Blobs of so many entries are searched in place, without a table. Default 131072. */
  readonly largeEntryCount?: number;
}

/**
 * The union of index blobs (spec 1 §8.2): raw bytes searched in place, and one hash table that
 * points to the winning entry of each content (§7.6). An entry that is deleted at or before the
 * watermark is treated as absent, everywhere.
 */
export class CommittedIndex {
  /** Deletion watermark in Unix seconds; 0 hides nothing. */
  watermarkSeconds = 0;
  /** Changes whenever blobs come or go: what was numbered before is void then. */
  generation = 0;
  private shared: boolean;
  private readonly largeEntryCount: number | undefined;
  private table: LookupTable;
  private readonly scratchKey = new Uint8Array(MAX_CONTENT_KEY_BYTES);

  constructor(options: CommittedIndexOptions = {}) {
    this.shared = options.shared ?? false;
    this.largeEntryCount = options.largeEntryCount;
    this.table = new LookupTable(this.shared, this.largeEntryCount);
  }

  /**
   * The same index over the same memory, in another thread. It must not be changed.
   * @throws KopiaError `INDEX_CORRUPT` when the parts are not those of `share`.
   */
  static fromShared(parts: SharedCommittedIndex): CommittedIndex {
    const index = new CommittedIndex({ shared: true });
    index.watermarkSeconds = parts.watermarkSeconds;
    const readers = parts.blobs.map((blob) => openIndex(blob.bytes, blob.blobId));
    index.table = LookupTable.fromParts(readers, parts.table);
    return index;
  }

  /**
   * Parts to be posted to a worker: this index as it is now, whatever happens to it later. An index
   * that was not made `shared` moves into shared memory first.
   */
  share(): SharedCommittedIndex {
    if (!this.shared) this.moveToShared();
    return {
      blobs: this.table.readers.map(({ blobId, bytes }) => ({ blobId, bytes })),
      table: this.table.parts(),
      watermarkSeconds: this.watermarkSeconds,
    };
  }

  /** Blobs loaded, in order of loading. */
  get blobIds(): readonly BlobId[] {
    return this.table.readers.map((reader) => reader.blobId);
  }

  /**
   * Contents, deleted ones and those hidden by the watermark included. Those that several large index blobs hold may
   * count more than once.
   */
  get contentCount(): number {
    return this.table.keyCount;
  }

  /** Memory held by index bytes and lookup table. */
  get residentBytes(): number {
    return this.table.residentBytes;
  }

  hasBlob(blobId: BlobId): boolean {
    return this.table.readers.some((reader) => reader.blobId === blobId);
  }

  /**
   * Adds index blobs; ones already loaded are skipped.
   * @throws KopiaError `INDEX_CORRUPT` (also when key lengths differ between blobs, spec 1 §13.14);
   *   the index is unchanged then.
   */
  add(blobs: Iterable<IndexBlobBytes>): void {
    const present = new Set(this.blobIds);
    const readers: IndexReader[] = [];
    let keyLength = this.table.keyLength;
    for (const { blobId, bytes } of blobs) {
      if (present.has(blobId)) continue;
      present.add(blobId);
      const reader = openIndex(this.shared ? toShared(bytes) : bytes, blobId);
      if (reader.entryCount > 0) {
        keyLength ||= reader.keyLength;
        if (reader.keyLength !== keyLength) {
          const expected = `content hashes of ${keyLength - 1} bytes as in other index blobs, found ${reader.keyLength - 1}`;
          throw corruptIndex(blobId, 1, expected);
        }
      }
      readers.push(reader);
    }
    this.table.insertAll(readers);
    if (readers.length > 0) this.generation++;
  }

  /** Forgets every blob that is not named; nothing to forget costs nothing. */
  retain(blobIds: ReadonlySet<BlobId>): void {
    const kept = this.table.readers.filter((reader) => blobIds.has(reader.blobId));
    if (kept.length === this.table.readers.length) return;
    this.table = new LookupTable(this.shared, this.largeEntryCount);
    this.table.insertAll(kept);
    this.generation++;
  }

  /** @throws KopiaError `CONTENT_ID_INVALID` for an ID of another length than the loaded ones. */
  lookup(id: ContentId): ContentEntry | undefined {
    const key = this.keyOf(id);
    const { table } = this;
    if (!table.find(key, 0)) return undefined;
    const { foundReader, foundPosition } = table;
    return this.isHidden(foundReader, foundPosition)
      ? undefined
      : foundReader.entryAt(foundPosition);
  }

  /** As `lookup`, whatever the watermark hides. */
  lookupRecord(id: ContentId): ContentEntry | undefined {
    const { table } = this;
    if (!table.find(this.keyOf(id), 0)) return undefined;
    return table.foundReader.entryAt(table.foundPosition);
  }

  /** Cheap lookup. @throws KopiaError `CONTENT_ID_INVALID` as `lookup`. */
  has(id: ContentId): Presence {
    return this.hasKey(this.keyOf(id));
  }

  /** As `has`, by a binary key of the loaded length, which may lie inside other bytes. */
  hasKey(key: Uint8Array, offset = 0): Presence {
    const { table } = this;
    if (!table.find(key, offset)) return 0;
    const { foundReader, foundPosition } = table;
    if (!foundReader.isDeletedAt(foundPosition)) return 1;
    return this.isHidden(foundReader, foundPosition) ? 0 : 2;
  }

  /** Whether all contents of these binary keys, one after the other, are there, deleted or not. */
  hasKeys(keys: Uint8Array, keyLength: number): boolean {
    if (keyLength !== this.table.keyLength) return keys.length === 0;
    for (let offset = 0; offset < keys.length; offset += keyLength) {
      if (this.hasKey(keys, offset) === 0) return false;
    }
    return true;
  }

  /** Length of all keys in bytes; 0 while there is none. */
  get keyLength(): number {
    return this.table.keyLength;
  }

  /** Upper bound of `numberOf` and `numberOfKey` while `generation` stays. */
  get entryCount(): number {
    return this.table.entryCount;
  }

  /** Number of a content's winning entry; -1 when there is none, or the watermark hides it. */
  numberOf(id: ContentId): number {
    return this.numberOfKey(this.keyOf(id), 0);
  }

  /** As `numberOf`, by a binary key of the loaded length inside other bytes. */
  numberOfKey(key: Uint8Array, offset: number): number {
    const { table } = this;
    if (!table.find(key, offset)) return -1;
    return this.isHidden(table.foundReader, table.foundPosition) ? -1 : table.foundNumber;
  }

  /** Whether any blob has an entry of a content, hidden by the watermark or not. */
  hasStored(id: ContentId): boolean {
    return this.table.find(this.keyOf(id), 0);
  }

  /** As `hasStored`, for the content of an entry of any index; false for hashes of another length. */
  hasStoredAt(reader: IndexReader, position: number): boolean {
    if (reader.keyLength !== this.table.keyLength) return false;
    return this.table.find(reader.bytes, reader.entriesOffsetBytes + position * reader.strideBytes);
  }

  /** Every entry of every blob, losing ones and those under the watermark included, in no promised order. */
  forEachStored(visit: (reader: IndexReader, position: number) => void): void {
    for (const reader of this.table.readers) {
      for (let position = 0; position < reader.entryCount; position++) visit(reader, position);
    }
  }

  /**
   * Adds where a content lies to `places`; false, and nothing added, where `lookup` finds nothing.
   * @throws KopiaError `CONTENT_ID_INVALID` as `lookup`.
   */
  locate(id: ContentId, places: ContentPlaces): boolean {
    const { table } = this;
    if (!table.find(this.keyOf(id), 0)) return false;
    const { foundReader, foundPosition } = table;
    if (this.isHidden(foundReader, foundPosition)) return false;
    places.add(foundReader, foundPosition);
    return true;
  }

  /**
   * Winning entries in content ID order: of the blobs and the watermark at the time of the first step,
   * whatever is added or forgotten meanwhile.
   */
  *entries(query: ContentQuery = {}): Generator<ContentEntry, void, undefined> {
    const { watermarkSeconds } = this;
    const cursor = this.cursor(query);
    while (cursor.next()) {
      if (isWanted(cursor, watermarkSeconds, query)) yield cursor.reader.entryAt(cursor.position);
    }
  }

  /** Calls `visit` for each winning entry in content ID order, without making an object of it. */
  forEach(visit: (reader: IndexReader, position: number) => void, query: ContentQuery = {}): void {
    const { watermarkSeconds } = this;
    const cursor = this.cursor(query);
    while (cursor.next()) {
      if (isWanted(cursor, watermarkSeconds, query)) visit(cursor.reader, cursor.position);
    }
  }

  private moveToShared(): void {
    const { readers } = this.table;
    const { slots, ...parts } = this.table.parts();
    const sharedSlots = new Uint32Array(new SharedArrayBuffer(slots.byteLength));
    sharedSlots.set(slots);
    const moved = readers.map(({ blobId, bytes }) => openIndex(toShared(bytes), blobId));
    this.table = LookupTable.fromParts(moved, { ...parts, slots: sharedSlots });
    this.shared = true;
  }

  private cursor(query: ContentQuery): MergeCursor {
    return new MergeCursor(this.table.readers, query.range ?? ALL_CONTENTS);
  }

  private isHidden(reader: IndexReader, position: number): boolean {
    return (
      reader.isDeletedAt(position) &&
      isPassed(this.watermarkSeconds, reader.timestampSecondsAt(position))
    );
  }

  private keyOf(id: ContentId): Uint8Array {
    const keyLength = writeContentKey(id, this.scratchKey);
    const expected = this.table.keyLength;
    // A repository without contents knows no length yet.
    if (expected !== 0 && keyLength !== expected) throw wrongKeyLength(id, keyLength, expected);
    return this.scratchKey;
  }
}

function toShared(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

function isWanted(cursor: MergeCursor, watermarkSeconds: number, query: ContentQuery): boolean {
  const { reader, position } = cursor;
  if (!reader.isDeletedAt(position)) return true;
  return (
    query.includeDeleted === true &&
    !isPassed(watermarkSeconds, reader.timestampSecondsAt(position))
  );
}

/** Whether the watermark has passed a deletion; without a watermark none is. */
function isPassed(watermarkSeconds: number, deletedSeconds: number): boolean {
  return watermarkSeconds > 0 && deletedSeconds <= watermarkSeconds;
}
