import type { BlobId } from "../../blob/storage.ts";
import { BaseIndexReader, checkEntryLayout, corruptIndex } from "./base-index-reader.ts";
import { readAscii, readU16, readU24, readU32 } from "./big-endian.ts";
import { INVALID_PACK_BLOB_ID, type IndexReader } from "./index-reader.ts";

/** Header of an index of version 2 (spec 1 §7.3): offsets in bytes. */
export const V2_HEADER = {
  version: 0,
  keyLength: 1,
  entryLength: 2,
  entryCount: 4,
  packCount: 8,
  formatCount: 12,
  baseTimestamp: 13,
  size: 17,
} as const;

/** Entry of version 2 behind its key: offsets in bytes. Entries end after byte 15, 16, 17 or 18. */
export const V2_ENTRY = {
  /** u32, less the base timestamp. */
  timestamp: 0,
  /** u32: bit 31 deleted, bits 0–30 offset in the pack. */
  packOffset: 4,
  /** u24: bits 0–23. */
  originalLength: 8,
  /** u24: bits 0–23. */
  packedLength: 11,
  /** u16: bits 0–15. */
  packIndex: 14,
  /** u8, optional. */
  formatIndex: 16,
  /** u8, optional: bits 16–23. */
  packIndexHigh: 17,
  /** u8, optional: original length bits 24–27, then packed length bits 24–27. */
  lengthsHigh: 18,
  minSize: 16,
  maxSize: 19,
} as const;

/** Pack record: u8 length of the pack blob ID, u32 its offset from the start of the index. */
export const V2_PACK = { idLength: 0, idOffset: 1, size: 5 } as const;

/** Format record: u32 compression header ID, u8 format version, u8 encryption key ID. */
export const V2_FORMAT = { compression: 0, formatVersion: 4, keyId: 5, size: 6 } as const;

const DELETED = 2 ** 31;

interface V2Sections {
  readonly entryLength: number;
  readonly packCount: number;
  readonly packsOffsetBytes: number;
  readonly formatCount: number;
  readonly formatsOffsetBytes: number;
}

/**
 * Opens an index of version 2.
 * @throws KopiaError `INDEX_CORRUPT`.
 */
export function openIndexV2(bytes: Uint8Array, blobId: BlobId): IndexReader {
  if (bytes.length < V2_HEADER.size) {
    throw corruptIndex(blobId, 0, `a header of ${V2_HEADER.size} bytes, found ${bytes.length}`);
  }
  const entryLength = readU16(bytes, V2_HEADER.entryLength);
  if (entryLength < V2_ENTRY.minSize || entryLength > V2_ENTRY.maxSize) {
    throw corruptIndex(blobId, 2, `entry length 16 to 19, found ${entryLength}`);
  }
  const layout = {
    entryCount: readU32(bytes, V2_HEADER.entryCount),
    keyLength: bytes[V2_HEADER.keyLength] as number,
    entriesOffsetBytes: V2_HEADER.size,
    entryLength,
  };
  checkEntryLayout(bytes, blobId, layout);
  const packCount = readU32(bytes, V2_HEADER.packCount);
  const formatCount = bytes[V2_HEADER.formatCount] as number;
  const packsOffsetBytes =
    V2_HEADER.size + layout.entryCount * (layout.keyLength + layout.entryLength);
  const formatsOffsetBytes = packsOffsetBytes + packCount * V2_PACK.size;
  const endBytes = formatsOffsetBytes + formatCount * V2_FORMAT.size;
  if (endBytes > bytes.length) {
    const found = `${packCount} packs and ${formatCount} formats`;
    throw corruptIndex(
      blobId,
      V2_HEADER.packCount,
      `sections that fit ${bytes.length} bytes, found ${found}, which end at ${endBytes}`,
    );
  }
  const sections = { entryLength, packCount, packsOffsetBytes, formatCount, formatsOffsetBytes };
  return new IndexV2Reader(bytes, blobId, layout, sections);
}

class IndexV2Reader extends BaseIndexReader {
  readonly version = 2;
  private readonly sections: V2Sections;
  private readonly baseTimestampSeconds: number;
  /** Pack IDs read so far, by pack index. */
  private readonly packIds: (BlobId | undefined)[] = [];

  constructor(
    bytes: Uint8Array,
    blobId: BlobId,
    layout: ConstructorParameters<typeof BaseIndexReader>[2],
    sections: V2Sections,
  ) {
    super(bytes, blobId, layout);
    this.sections = sections;
    this.baseTimestampSeconds = readU32(bytes, V2_HEADER.baseTimestamp);
  }

  timestampSecondsAt(position: number): number {
    const stored = readU32(this.bytes, this.valueOffset(position) + V2_ENTRY.timestamp);
    return stored + this.baseTimestampSeconds;
  }

  isDeletedAt(position: number): boolean {
    return (this.bytes[this.valueOffset(position) + V2_ENTRY.packOffset] as number) >= 0x80;
  }

  packBlobIdAt(position: number): BlobId {
    if (this.formatIndexAt(position) >= this.sections.formatCount) return INVALID_PACK_BLOB_ID;
    const entry = this.valueOffset(position);
    let packIndex = readU16(this.bytes, entry + V2_ENTRY.packIndex);
    if (this.sections.entryLength > V2_ENTRY.packIndexHigh) {
      packIndex += (this.bytes[entry + V2_ENTRY.packIndexHigh] as number) * 2 ** 16;
    }
    return this.packIds[packIndex] ?? this.readPackId(packIndex);
  }

  packOffsetAt(position: number): number {
    return readU32(this.bytes, this.valueOffset(position) + V2_ENTRY.packOffset) % DELETED;
  }

  packedLengthAt(position: number): number {
    const entry = this.valueOffset(position);
    const high = this.lengthsHighAt(entry) & 0x0f;
    return readU24(this.bytes, entry + V2_ENTRY.packedLength) + high * 2 ** 24;
  }

  originalLengthAt(position: number): number {
    const entry = this.valueOffset(position);
    const high = this.lengthsHighAt(entry) >> 4;
    return readU24(this.bytes, entry + V2_ENTRY.originalLength) + high * 2 ** 24;
  }

  compressionHeaderIdAt(position: number): number {
    const record = this.formatRecordAt(position);
    return record < 0 ? 0 : readU32(this.bytes, record + V2_FORMAT.compression);
  }

  formatVersionAt(position: number): number {
    const record = this.formatRecordAt(position);
    return record < 0 ? 0 : (this.bytes[record + V2_FORMAT.formatVersion] as number);
  }

  encryptionKeyIdAt(position: number): number {
    const record = this.formatRecordAt(position);
    return record < 0 ? 0 : (this.bytes[record + V2_FORMAT.keyId] as number);
  }

  private formatIndexAt(position: number): number {
    if (this.sections.entryLength <= V2_ENTRY.formatIndex) return 0;
    return this.bytes[this.valueOffset(position) + V2_ENTRY.formatIndex] as number;
  }

  /** Offset of the entry's format record, or -1 when it points outside the section. */
  private formatRecordAt(position: number): number {
    const formatIndex = this.formatIndexAt(position);
    if (formatIndex >= this.sections.formatCount) return -1;
    return this.sections.formatsOffsetBytes + formatIndex * V2_FORMAT.size;
  }

  private lengthsHighAt(entryOffset: number): number {
    if (this.sections.entryLength <= V2_ENTRY.lengthsHigh) return 0;
    return this.bytes[entryOffset + V2_ENTRY.lengthsHigh] as number;
  }

  private readPackId(packIndex: number): BlobId {
    if (packIndex >= this.sections.packCount) return INVALID_PACK_BLOB_ID;
    const record = this.sections.packsOffsetBytes + packIndex * V2_PACK.size;
    const lengthBytes = this.bytes[record + V2_PACK.idLength] as number;
    const offset = readU32(this.bytes, record + V2_PACK.idOffset);
    const fits = lengthBytes > 0 && offset + lengthBytes <= this.bytes.length;
    const packId = fits ? readAscii(this.bytes, offset, lengthBytes) : INVALID_PACK_BLOB_ID;
    this.packIds[packIndex] = packId;
    return packId;
  }
}
