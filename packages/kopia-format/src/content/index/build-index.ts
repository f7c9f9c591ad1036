import { fnv1a32 } from "../../base/fnv.ts";
import { utf8Encode, type Bytes } from "../../base/bytes.ts";
import type { ContentEntry } from "../content-entry.ts";
import { contentKeyLength, keyToContentId } from "../content-id.ts";
import { encodeIndexV1 } from "./build-index-v1.ts";
import { encodeIndexV2 } from "./build-index-v2.ts";
import { ContentEntryTable } from "./entry-table.ts";
import { limitError } from "./index-limits.ts";
import type { IndexReader } from "./index-reader.ts";
import type { NumberedEntries, SortableEntries } from "./numbered-entries.ts";
import { openIndex } from "./open-index.ts";

/** How an index is built. */
export interface BuildIndexOptions {
  /** 1 or 2: the repository's `indexVersion`. */
  readonly version: number;
  /** Appended as is: 32 random bytes for pack-local indexes, nothing for flush and epoch indexes (spec 1 §7.4). */
  readonly randomSuffix?: Uint8Array;
}

/** Most entries of one index blob (spec 1 §7.5). */
export const MAX_ENTRIES_PER_INDEX = 16_000_000;

const NOTHING = new Uint8Array(0);

/**
 * Builds the bytes of one index from entries in any order, merging equal content IDs (spec 1 §7.6),
 * and reads them back before returning them (design §5).
 * @throws KopiaError `INDEX_LIMIT` when there is no entry or a value does not fit the version
 *   (spec 1 §7.3), `CONTENT_ID_INVALID` when keys differ in length.
 */
export function buildIndex(
  entries: ContentEntryTable | Iterable<ContentEntry>,
  options: BuildIndexOptions,
): Bytes {
  const table = entries instanceof ContentEntryTable ? entries : collect(entries);
  return encodeSorted(table.records, table.sortedRecords(), options);
}

/**
 * Builds one index, or several when there are more than `maxEntriesPerShard` entries (spec 1 §7.5).
 * Empty input gives no index.
 * @throws KopiaError `INDEX_LIMIT`.
 */
export function buildIndexShards(
  entries: SortableEntries,
  options: BuildIndexOptions & { readonly maxEntriesPerShard?: number },
): Bytes[] {
  const sorted = entries.sortedRecords();
  const shards = splitIntoShards(
    entries.records,
    sorted,
    options.maxEntriesPerShard ?? MAX_ENTRIES_PER_INDEX,
  );
  return shards.map((shard) => encodeSorted(entries.records, shard, options));
}

/** Shard of a content ID: FNV-1a-32 of its text form, prefix letter included (spec 1 §7.5). */
export function indexShardOf(contentId: string, shardCount: number): number {
  return fnv1a32(utf8Encode(contentId)) % shardCount;
}

function splitIntoShards(
  records: NumberedEntries,
  sorted: Uint32Array,
  maxEntries: number,
): Uint32Array[] {
  if (sorted.length === 0) return [];
  const shardCount = Math.ceil(sorted.length / maxEntries);
  if (shardCount === 1) return [sorted];
  const shards: number[][] = Array.from({ length: shardCount }, () => []);
  for (const record of sorted) {
    const offset = records.offsetOf(record);
    const key = records.bytesOf(record).subarray(offset, offset + records.keyLength);
    shards[indexShardOf(keyToContentId(key), shardCount)]?.push(record);
  }
  return shards.filter((shard) => shard.length > 0).map((shard) => Uint32Array.from(shard));
}

function encodeSorted(
  records: NumberedEntries,
  sorted: Uint32Array,
  options: BuildIndexOptions,
): Bytes {
  if (sorted.length === 0) throw limitError("an index needs at least one entry");
  const suffix = options.randomSuffix ?? NOTHING;
  let bytes: Bytes;
  if (options.version === 1) bytes = encodeIndexV1(records, sorted, suffix);
  else if (options.version === 2) bytes = encodeIndexV2(records, sorted, suffix);
  else throw limitError(`index version must be 1 or 2, is ${options.version}`);
  checkReadBack(openIndex(bytes, "index being built"), records, sorted);
  return bytes;
}

function collect(entries: Iterable<ContentEntry>): ContentEntryTable {
  let table: ContentEntryTable | undefined;
  for (const entry of entries) {
    table ??= new ContentEntryTable(contentKeyLength(entry.contentId));
    table.merge(entry);
  }
  if (table === undefined) throw limitError("an index needs at least one entry");
  return table;
}

/** Compares what a reader sees with what was meant: a wrong index would hide or misplace data. */
function checkReadBack(reader: IndexReader, records: NumberedEntries, sorted: Uint32Array): void {
  const keysMatch = reader.entryCount === sorted.length && reader.keyLength === records.keyLength;
  if (!keysMatch) throw limitError("an index that was built does not read back");
  for (let position = 0; position < sorted.length; position++) {
    const record = sorted[position] as number;
    // Version 1 stores neither original length nor compression (spec 1 §7.2).
    const lengthsMatch =
      reader.version === 1 ||
      (reader.originalLengthAt(position) === records.originalLengthAt(record) &&
        reader.compressionHeaderIdAt(position) === records.compressionHeaderIdAt(record));
    const matches =
      lengthsMatch &&
      reader.timestampSecondsAt(position) === records.timestampSecondsAt(record) &&
      reader.isDeletedAt(position) === records.isDeletedAt(record) &&
      reader.packOffsetAt(position) === records.packOffsetAt(record) &&
      reader.packedLengthAt(position) === records.packedLengthAt(record) &&
      reader.formatVersionAt(position) === records.formatVersionAt(record) &&
      reader.packBlobIdAt(position) === records.packBlobIdAt(record);
    if (!matches) {
      const contentId = reader.contentIdAt(position);
      throw limitError(`entry ${contentId} of an index that was built does not read back`, {
        contentId,
      });
    }
  }
}
