import { ByteWriter } from "../../base/byte-writer.ts";
import type { Bytes } from "../../base/bytes.ts";
import { V2_LIMITS, encodePackBlobId, limitError } from "./index-limits.ts";
import { V2_ENTRY, V2_FORMAT, V2_HEADER, V2_PACK } from "./index-v2.ts";
import type { NumberedEntries } from "./numbered-entries.ts";

/** What must be known of all entries before the first is written. */
interface V2Plan {
  readonly entryLength: number;
  /** Index of a pack in the pack section, by pack number of the records; -1 for unused ones. */
  readonly packIndexes: Int32Array;
  readonly packNames: readonly Bytes[];
  /** Format number by `formatKey`. */
  readonly formats: ReadonlyMap<number, number>;
}

/**
 * Encodes an index of version 2 (spec 1 §7.3).
 * @param sorted record numbers in key order, at least one.
 * @throws KopiaError `INDEX_LIMIT`.
 */
export function encodeIndexV2(
  records: NumberedEntries,
  sorted: Uint32Array,
  suffix: Uint8Array,
): Bytes {
  const plan = planV2(records, sorted);
  const packsOffset = V2_HEADER.size + sorted.length * (records.keyLength + plan.entryLength);
  let namesOffset =
    packsOffset + plan.packNames.length * V2_PACK.size + plan.formats.size * V2_FORMAT.size;
  const writer = new ByteWriter(namesOffset + plan.packNames.length * 64 + suffix.length);
  writer.u8(2).u8(records.keyLength).u16(plan.entryLength).u32(sorted.length);
  // Base timestamp 0: as Kopia writes it (spec 1 §13.7).
  writer.u32(plan.packNames.length).u8(plan.formats.size).u32(0);
  for (const record of sorted) writeEntry(writer, records, record, plan);
  for (const name of plan.packNames) {
    if (namesOffset + name.length >= 2 ** 32) throw limitError("the index exceeds 4 GiB");
    writer.u8(name.length).u32(namesOffset);
    namesOffset += name.length;
  }
  for (const key of plan.formats.keys()) {
    writer
      .u32(Math.floor(key / 2 ** 16))
      .u8(Math.floor(key / 2 ** 8) % 256)
      .u8(key % 256);
  }
  for (const name of plan.packNames) writer.bytes(name);
  // The writer is nobody else's, and what it holds may be tens of MiB.
  return writer.bytes(suffix).view();
}

function planV2(records: NumberedEntries, sorted: Uint32Array): V2Plan {
  const packIndexes = new Int32Array(records.packBlobIds.length).fill(-1);
  const packNames: Bytes[] = [];
  const formats = new Map<number, number>();
  let hasLongLength = false;
  for (const record of sorted) {
    checkRecord(records, record);
    const packNumber = records.packNumberAt(record);
    if (packIndexes[packNumber] === -1) {
      packIndexes[packNumber] = packNames.length;
      packNames.push(encodePackBlobId(records.packBlobIds[packNumber] as string));
    }
    const format = formatKey(records, record);
    if (!formats.has(format)) formats.set(format, formats.size);
    hasLongLength ||=
      records.originalLengthAt(record) >= 2 ** 24 || records.packedLengthAt(record) >= 2 ** 24;
  }
  if (formats.size > V2_LIMITS.formats) {
    throw limitError(`an index holds at most ${V2_LIMITS.formats} formats, not ${formats.size}`);
  }
  if (packNames.length > V2_LIMITS.packs) {
    throw limitError(`an index holds at most ${V2_LIMITS.packs} packs, not ${packNames.length}`);
  }
  const entryLength = hasLongLength
    ? V2_ENTRY.maxSize
    : packNames.length > 2 ** 16
      ? V2_ENTRY.lengthsHigh
      : formats.size > 1
        ? V2_ENTRY.packIndexHigh
        : V2_ENTRY.minSize;
  return { entryLength, packIndexes, packNames, formats };
}

function checkRecord(records: NumberedEntries, record: number): void {
  checkBelow("timestamp", records.timestampSecondsAt(record), V2_LIMITS.timestampSeconds);
  checkBelow("pack offset", records.packOffsetAt(record), V2_LIMITS.packOffset);
  checkBelow("original length", records.originalLengthAt(record), V2_LIMITS.lengthBytes);
  checkBelow("packed length", records.packedLengthAt(record), V2_LIMITS.lengthBytes);
}

function checkBelow(field: string, value: number, limit: number): void {
  if (value >= limit) {
    throw limitError(`an index of version 2 holds a ${field} below ${limit}, not ${value}`, {
      field,
      value,
    });
  }
}

/** Compression header ID, format version and key ID as one number below 2^48. */
function formatKey(records: NumberedEntries, record: number): number {
  return (
    records.compressionHeaderIdAt(record) * 2 ** 16 +
    records.formatVersionAt(record) * 2 ** 8 +
    records.encryptionKeyIdAt(record)
  );
}

function writeEntry(
  writer: ByteWriter,
  records: NumberedEntries,
  record: number,
  plan: V2Plan,
): void {
  const keyOffset = records.offsetOf(record);
  const originalLength = records.originalLengthAt(record);
  const packedLength = records.packedLengthAt(record);
  const packIndex = plan.packIndexes[records.packNumberAt(record)] as number;
  writer.bytes(records.bytesOf(record).subarray(keyOffset, keyOffset + records.keyLength));
  writer.u32(records.timestampSecondsAt(record));
  writer.u32(records.packOffsetAt(record) + (records.isDeletedAt(record) ? 2 ** 31 : 0));
  writer.u24(originalLength % 2 ** 24).u24(packedLength % 2 ** 24);
  writer.u16(packIndex % 2 ** 16);
  if (plan.entryLength > V2_ENTRY.formatIndex) {
    writer.u8(plan.formats.get(formatKey(records, record)) as number);
  }
  if (plan.entryLength > V2_ENTRY.packIndexHigh) writer.u8(packIndex >>> 16);
  if (plan.entryLength > V2_ENTRY.lengthsHigh) {
    writer.u8(((originalLength >>> 24) << 4) | (packedLength >>> 24));
  }
}
