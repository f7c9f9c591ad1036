import type { EntryRecords } from "./entry-records.ts";
import { compareKeys, type KeyPlace } from "./key-bytes.ts";

/** Below this a plain sort is as fast. */
const RADIX_MIN_RECORDS = 4096;
const RADIX_BUCKETS = 2 ** 16;

/**
 * Sorts record numbers by key. Keys are one prefix byte and a uniform hash, so two counting passes
 * over the first four bytes leave runs of one or two for the final comparison.
 */
export function sortRecordsByKey(records: EntryRecords, unsorted: Uint32Array): Uint32Array {
  const compare = recordComparer(records);
  if (unsorted.length < RADIX_MIN_RECORDS || records.keyLength < 4) return unsorted.sort(compare);
  const byLowDigit = countingPass(records, unsorted, 2);
  const sorted = countingPass(records, byLowDigit, 0);
  sortRuns(records, sorted, compare);
  return sorted;
}

/** One stable pass by the two key bytes at `digitOffset`. */
function countingPass(records: EntryRecords, input: Uint32Array, digitOffset: number): Uint32Array {
  const next = new Uint32Array(RADIX_BUCKETS + 1);
  for (const record of input) {
    const bucket = digitOf(records, record, digitOffset) + 1;
    next[bucket] = (next[bucket] as number) + 1;
  }
  for (let bucket = 1; bucket <= RADIX_BUCKETS; bucket++) {
    next[bucket] = (next[bucket] as number) + (next[bucket - 1] as number);
  }
  const output = new Uint32Array(input.length);
  for (const record of input) {
    const bucket = digitOf(records, record, digitOffset);
    const place = next[bucket] as number;
    next[bucket] = place + 1;
    output[place] = record;
  }
  return output;
}

function digitOf(records: EntryRecords, record: number, digitOffset: number): number {
  const bytes = records.bytesOf(record);
  const offset = records.offsetOf(record) + digitOffset;
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
}

/** Sorts each run of records whose first four key bytes are equal. */
function sortRuns(
  records: EntryRecords,
  sorted: Uint32Array,
  compare: (a: number, b: number) => number,
): void {
  let start = 0;
  for (let end = 1; end <= sorted.length; end++) {
    const continues =
      end < sorted.length && haveSameHead(records, sorted[start] as number, sorted[end] as number);
    if (continues) continue;
    if (end - start > 1) sorted.subarray(start, end).sort(compare);
    start = end;
  }
}

function haveSameHead(records: EntryRecords, a: number, b: number): boolean {
  return (
    digitOf(records, a, 2) === digitOf(records, b, 2) &&
    digitOf(records, a, 0) === digitOf(records, b, 0)
  );
}

function recordComparer(records: EntryRecords): (a: number, b: number) => number {
  const left: KeyPlace = { bytes: new Uint8Array(0), offset: 0 };
  const right: KeyPlace = { bytes: new Uint8Array(0), offset: 0 };
  return (a, b) => {
    left.bytes = records.bytesOf(a);
    left.offset = records.offsetOf(a);
    right.bytes = records.bytesOf(b);
    right.offset = records.offsetOf(b);
    return compareKeys(left, right, records.keyLength);
  };
}
