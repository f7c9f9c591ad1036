import type { BlobId } from "../../blob/storage.ts";
import { BaseIndexReader, checkEntryLayout, corruptIndex } from "./base-index-reader.ts";
import { readAscii, readU16, readU32, readU48 } from "./big-endian.ts";
import { INVALID_PACK_BLOB_ID, type IndexReader } from "./index-reader.ts";

/** Header of an index of version 1 (spec 1 §7.2): offsets in bytes. */
export const V1_HEADER = {
  version: 0,
  keyLength: 1,
  entryLength: 2,
  entryCount: 4,
  size: 8,
} as const;

/** Entry of version 1 behind its key: offsets in bytes. */
export const V1_ENTRY = {
  /** u48. */
  timestamp: 0,
  /** u8. */
  formatVersion: 6,
  /** u8. */
  packIdLength: 7,
  /** u32, from the start of the index. */
  packIdOffset: 8,
  /** u32: bit 31 deleted, bits 0–30 offset in the pack. */
  packOffset: 12,
  /** u32. */
  packedLength: 16,
  size: 20,
} as const;

/** Version 1 does not store original lengths: packed length less what encryption adds (spec 1 §7.2). */
export const V1_OVERHEAD_BYTES = 28;

const DELETED = 2 ** 31;

/**
 * Opens an index of version 1.
 * @throws KopiaError `INDEX_CORRUPT`.
 */
export function openIndexV1(bytes: Uint8Array, blobId: BlobId): IndexReader {
  if (bytes.length < V1_HEADER.size) {
    throw corruptIndex(blobId, 0, `a header of ${V1_HEADER.size} bytes, found ${bytes.length}`);
  }
  const entryLength = readU16(bytes, V1_HEADER.entryLength);
  if (entryLength !== V1_ENTRY.size) {
    throw corruptIndex(blobId, 2, `entry length ${V1_ENTRY.size}, found ${entryLength}`);
  }
  const layout = {
    entryCount: readU32(bytes, V1_HEADER.entryCount),
    keyLength: bytes[V1_HEADER.keyLength] as number,
    entriesOffsetBytes: V1_HEADER.size,
    entryLength,
  };
  checkEntryLayout(bytes, blobId, layout);
  return new IndexV1Reader(bytes, blobId, layout);
}

class IndexV1Reader extends BaseIndexReader {
  readonly version = 1;
  /** Pack IDs met so far, by place of the name: few, however many entries there are. */
  private readonly packIds = new Map<number, BlobId>();

  timestampSecondsAt(position: number): number {
    return readU48(this.bytes, this.valueOffset(position) + V1_ENTRY.timestamp);
  }

  isDeletedAt(position: number): boolean {
    return (this.bytes[this.valueOffset(position) + V1_ENTRY.packOffset] as number) >= 0x80;
  }

  packBlobIdAt(position: number): BlobId {
    const entry = this.valueOffset(position);
    const lengthBytes = this.bytes[entry + V1_ENTRY.packIdLength] as number;
    const offset = readU32(this.bytes, entry + V1_ENTRY.packIdOffset);
    const place = offset * 256 + lengthBytes;
    let packId = this.packIds.get(place);
    if (packId === undefined) {
      const fits = lengthBytes > 0 && offset + lengthBytes <= this.bytes.length;
      packId = fits ? readAscii(this.bytes, offset, lengthBytes) : INVALID_PACK_BLOB_ID;
      this.packIds.set(place, packId);
    }
    return packId;
  }

  packOffsetAt(position: number): number {
    return readU32(this.bytes, this.valueOffset(position) + V1_ENTRY.packOffset) % DELETED;
  }

  packedLengthAt(position: number): number {
    return readU32(this.bytes, this.valueOffset(position) + V1_ENTRY.packedLength);
  }

  originalLengthAt(position: number): number {
    return Math.max(0, this.packedLengthAt(position) - V1_OVERHEAD_BYTES);
  }

  compressionHeaderIdAt(): number {
    return 0;
  }

  formatVersionAt(position: number): number {
    return this.bytes[this.valueOffset(position) + V1_ENTRY.formatVersion] as number;
  }

  encryptionKeyIdAt(): number {
    return 0;
  }
}
