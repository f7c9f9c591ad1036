import { ByteWriter } from "../../base/byte-writer.ts";
import type { Bytes } from "../../base/bytes.ts";
import { encodePackBlobId, limitError } from "./index-limits.ts";
import { V1_ENTRY } from "./index-v1.ts";
import type { NumberedEntries } from "./numbered-entries.ts";

/**
 * Encodes an index of version 1 (spec 1 §7.2).
 * @param sorted record numbers in key order, at least one.
 * @throws KopiaError `INDEX_LIMIT`, also for compressed contents, which version 1 cannot describe.
 */
export function encodeIndexV1(
  records: NumberedEntries,
  sorted: Uint32Array,
  suffix: Uint8Array,
): Bytes {
  const { keyLength } = records;
  const namesOffset = 8 + sorted.length * (keyLength + V1_ENTRY.size);
  const names = new ByteWriter();
  const places = new Map<number, { readonly offset: number; readonly length: number }>();
  const entries = new ByteWriter(namesOffset + records.packBlobIds.length * 64 + suffix.length);
  entries.u8(1).u8(keyLength).u16(V1_ENTRY.size).u32(sorted.length);
  for (const record of sorted) {
    checkRecord(records, record);
    const packNumber = records.packNumberAt(record);
    let place = places.get(packNumber);
    if (place === undefined) {
      const packId = encodePackBlobId(records.packBlobIds[packNumber] as string);
      place = { offset: namesOffset + names.length, length: packId.length };
      names.bytes(packId);
      places.set(packNumber, place);
    }
    const offset = records.offsetOf(record);
    entries.bytes(records.bytesOf(record).subarray(offset, offset + keyLength));
    entries.u48(records.timestampSecondsAt(record)).u8(records.formatVersionAt(record));
    entries.u8(place.length).u32(place.offset);
    const deleted = records.isDeletedAt(record) ? 2 ** 31 : 0;
    entries.u32(records.packOffsetAt(record) + deleted).u32(records.packedLengthAt(record));
  }
  // The writer is nobody else's, and what it holds may be tens of MiB.
  return entries.bytes(names.view()).bytes(suffix).view();
}

function checkRecord(records: NumberedEntries, record: number): void {
  if (records.compressionHeaderIdAt(record) !== 0) {
    throw limitError("an index of version 1 cannot hold compressed contents");
  }
  if (records.encryptionKeyIdAt(record) !== 0) {
    throw limitError("an index of version 1 cannot hold encryption key IDs");
  }
}
