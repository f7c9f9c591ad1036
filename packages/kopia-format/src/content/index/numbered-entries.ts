/** Index entries by number, without an object for each: what an index is built from. Read only. */
export interface NumberedEntries {
  /** Length of every key in bytes: 1 + hash length. */
  readonly keyLength: number;
  /** Distinct pack blob IDs, by pack number. */
  readonly packBlobIds: readonly string[];
  /** Bytes that hold an entry's key. */
  bytesOf(entry: number): Uint8Array;
  /** Offset of an entry's key in `bytesOf`. */
  offsetOf(entry: number): number;
  packNumberAt(entry: number): number;
  packBlobIdAt(entry: number): string;
  isDeletedAt(entry: number): boolean;
  packOffsetAt(entry: number): number;
  packedLengthAt(entry: number): number;
  originalLengthAt(entry: number): number;
  compressionHeaderIdAt(entry: number): number;
  /** Unix seconds. */
  timestampSecondsAt(entry: number): number;
  formatVersionAt(entry: number): number;
  encryptionKeyIdAt(entry: number): number;
}

/** Entries that an index can be built from, one for each content ID. */
export interface SortableEntries {
  readonly size: number;
  readonly records: NumberedEntries;
  /** Numbers of all entries in content ID order. */
  sortedRecords(): Uint32Array;
}
