import {
  isKopiaError,
  type BlobStorage,
  type ContentEntry,
  type ContentId,
  type PackedAtHand,
  type Repository,
} from "@kopia-engine/kopia-format";

/** IDs that are put in order at a time; they come pack by pack where there are many. */
const BATCH = 20_000;
/** Longest range read at once; a longer content is left to whoever needs it. */
const MAX_RANGE_BYTES = 2 ** 20;
/** Unwanted bytes that are read along rather than skipped. */
const MAX_GAP_BYTES = 2 ** 16;

/** A content, and its stored bytes where reading ahead has got them. */
export interface OrderedContent {
  readonly id: ContentId;
  readonly atHand?: PackedAtHand;
}

/**
 * Reads the stored bytes of many contents with few storage operations: in order of pack and offset, neighbours
 * in one range. What cannot be read so comes without bytes: the reader of the content meets the error.
 */
export async function* readInOrder(
  { contents, storage }: Pick<Repository, "contents" | "storage">,
  ids: Iterable<ContentId>,
): AsyncGenerator<OrderedContent, void, undefined> {
  let batch: ContentEntry[] = [];
  for (const id of ids) {
    const entry = contents.getContentInfo(id);
    if (entry === undefined) yield { id };
    else if (batch.push(entry) === BATCH) {
      yield* readBatch(storage, batch);
      batch = [];
    }
  }
  yield* readBatch(storage, batch);
}

async function* readBatch(
  storage: BlobStorage,
  entries: ContentEntry[],
): AsyncGenerator<OrderedContent, void, undefined> {
  entries.sort((a, b) =>
    a.packBlobId === b.packBlobId
      ? a.packOffset - b.packOffset
      : a.packBlobId < b.packBlobId
        ? -1
        : 1,
  );
  for (let first = 0; first < entries.length;) {
    const end = endOfRange(entries, first);
    const range = entries.slice(first, end);
    const bytes = await readRange(storage, range);
    const startBytes = range[0]?.packOffset ?? 0;
    for (const { contentId: id, packBlobId, packOffset, packedLength } of range) {
      const from = packOffset - startBytes;
      if (bytes === undefined) yield { id };
      else {
        const packed = bytes.subarray(from, from + packedLength);
        yield { id, atHand: { packBlobId, packOffset, bytes: packed } };
      }
    }
    first = end;
  }
}

/** Position behind the last entry that belongs into one range with the first. */
function endOfRange(entries: readonly ContentEntry[], first: number): number {
  const { packBlobId, packOffset, packedLength } = entries[first] as ContentEntry;
  let endBytes = packOffset + packedLength;
  let end = first + 1;
  for (; end < entries.length; end++) {
    const next = entries[end] as ContentEntry;
    const nextEnd = next.packOffset + next.packedLength;
    if (next.packBlobId !== packBlobId || next.packOffset - endBytes > MAX_GAP_BYTES) break;
    if (nextEnd - packOffset > MAX_RANGE_BYTES) break;
    endBytes = Math.max(endBytes, nextEnd);
  }
  return end;
}

async function readRange(
  storage: BlobStorage,
  range: readonly ContentEntry[],
): Promise<Uint8Array | undefined> {
  const [first] = range;
  if (first === undefined) return undefined;
  const endBytes = Math.max(...range.map((entry) => entry.packOffset + entry.packedLength));
  const lengthBytes = endBytes - first.packOffset;
  if (lengthBytes > MAX_RANGE_BYTES) return undefined;
  try {
    return await storage.get(first.packBlobId, { offsetBytes: first.packOffset, lengthBytes });
  } catch (error) {
    if (isKopiaError(error)) return undefined;
    throw error;
  }
}
