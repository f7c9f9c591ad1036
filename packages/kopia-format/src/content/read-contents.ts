import type { Bytes } from "../base/bytes.ts";
import { KopiaError, isKopiaError } from "../base/errors.ts";
import { releaseBytes } from "../base/release-bytes.ts";
import type { BlobStorage } from "../blob/storage.ts";
import { describeEntry, type ContentCodec } from "./content-codec.ts";
import type { ContentEntry, ContentId } from "./content-entry.ts";
import type { ContentBatchOptions, ContentBatchResult } from "./content-store.ts";
import { INVALID_PACK_BLOB_ID } from "./index/index-reader.ts";

/** Longest range that is read at once. */
const DEFAULT_MAX_RANGE_BYTES = 2 ** 23;
/** Gaps up to this cost less to read than to skip. */
const DEFAULT_MAX_GAP_BYTES = 2 ** 16;
/** A pack that is gone makes the index be loaded again, but not more often than this. */
const RELOAD_PAUSE_MS = 60_000;

/** What reading needs of the content manager. */
export interface ContentSource {
  readonly storage: BlobStorage;
  readonly codec: ContentCodec;
  /** `undefined` when there is no such content. */
  lookup(id: ContentId): ContentEntry | undefined;
  /** Loads the index again when it is older than `maxAgeMs`. */
  reloadIfOlder(maxAgeMs: number): Promise<void>;
}

/** Contents that are read in one range of a pack. */
interface ReadRun {
  readonly entries: ContentEntry[];
  readonly offsetBytes: number;
  endOffsetBytes: number;
}

/**
 * Reads one content.
 * @throws KopiaError `CONTENT_NOT_FOUND` and what `readEntry` throws.
 */
export async function readContent(source: ContentSource, id: ContentId): Promise<Bytes> {
  const entry = requireEntry(source, id);
  try {
    return await readEntry(source, entry);
  } catch (error) {
    const moved = await movedEntry(source, entry, error);
    if (moved === undefined) throw error;
    return readEntry(source, moved);
  }
}

/** Reads the content of an entry. @throws KopiaError those of `ContentReader.getContent`, naming the place. */
export async function readEntry(source: ContentSource, entry: ContentEntry): Promise<Bytes> {
  const packed = await readPacked(source.storage, entry);
  const data = source.codec.decode(entry, packed);
  releaseBytes(packed);
  return data;
}

/** The packed bytes of an entry, exactly as many as it says. @throws KopiaError storage errors, naming the place. */
export async function readPacked(storage: BlobStorage, entry: ContentEntry): Promise<Bytes> {
  if (entry.packBlobId === INVALID_PACK_BLOB_ID) {
    throw new KopiaError("INDEX_CORRUPT", `the index names no valid pack for ${entry.contentId}`);
  }
  try {
    return await storage.get(entry.packBlobId, {
      offsetBytes: entry.packOffset,
      lengthBytes: entry.packedLength,
    });
  } catch (error) {
    throw located(entry, error);
  }
}

/** The entry of a content. @throws KopiaError `CONTENT_NOT_FOUND`. */
export function requireEntry(source: Pick<ContentSource, "lookup">, id: ContentId): ContentEntry {
  const entry = source.lookup(id);
  if (entry !== undefined) return entry;
  throw new KopiaError("CONTENT_NOT_FOUND", `content ${id} is not in the index`, {
    details: { contentId: id },
  });
}

/** Result of reading one content of a batch; only faults of the program reject. */
export async function contentResult(
  contentId: ContentId,
  reading: Promise<Bytes>,
): Promise<ContentBatchResult> {
  try {
    return { contentId, data: await reading };
  } catch (error) {
    return { contentId, error: asKopiaError(error) };
  }
}

/** Reads many contents in pack order, neighbours in one range; see `ContentReader.getContents`. */
export async function* readContents(
  source: ContentSource,
  ids: Iterable<ContentId>,
  options: ContentBatchOptions = {},
): AsyncGenerator<ContentBatchResult, void, undefined> {
  const entries: ContentEntry[] = [];
  for (const contentId of new Set(ids)) {
    try {
      entries.push(requireEntry(source, contentId));
    } catch (error) {
      yield { contentId, error: asKopiaError(error) };
    }
  }
  for (const run of planRuns(entries, options)) yield* readRun(source, run);
}

/** Orders contents by pack and offset and joins neighbours. */
export function planRuns(entries: ContentEntry[], options: ContentBatchOptions): ReadRun[] {
  const maxRangeBytes = options.maxRangeBytes ?? DEFAULT_MAX_RANGE_BYTES;
  const maxGapBytes = options.maxGapBytes ?? DEFAULT_MAX_GAP_BYTES;
  entries.sort(comparePlaces);
  const runs: ReadRun[] = [];
  for (const entry of entries) {
    const offsetBytes = entry.packOffset;
    const endOffsetBytes = offsetBytes + entry.packedLength;
    const run = runs.at(-1);
    const joins =
      run !== undefined &&
      run.entries[0]?.packBlobId === entry.packBlobId &&
      offsetBytes - run.endOffsetBytes <= maxGapBytes &&
      endOffsetBytes - run.offsetBytes <= maxRangeBytes;
    if (!joins) {
      runs.push({ entries: [entry], offsetBytes, endOffsetBytes });
      continue;
    }
    run.entries.push(entry);
    run.endOffsetBytes = Math.max(run.endOffsetBytes, endOffsetBytes);
  }
  return runs;
}

async function* readRun(
  source: ContentSource,
  run: ReadRun,
): AsyncGenerator<ContentBatchResult, void, undefined> {
  const packed = await readRange(source, run);
  for (const entry of run.entries) {
    yield await contentResult(entry.contentId, decodeFromRun(source, { entry, run, packed }));
  }
  if (packed !== undefined) releaseBytes(packed);
}

/** The bytes of a run; `undefined` when its contents have to be tried one by one. */
async function readRange(source: ContentSource, run: ReadRun): Promise<Bytes | undefined> {
  const [first, second] = run.entries;
  if (second === undefined || first === undefined) return undefined;
  const { offsetBytes, endOffsetBytes } = run;
  try {
    return await source.storage.get(first.packBlobId, {
      offsetBytes,
      lengthBytes: endOffsetBytes - offsetBytes,
    });
  } catch {
    return undefined;
  }
}

async function decodeFromRun(
  source: ContentSource,
  place: {
    readonly entry: ContentEntry;
    readonly run: ReadRun;
    readonly packed: Bytes | undefined;
  },
): Promise<Bytes> {
  const { entry, run, packed } = place;
  if (packed !== undefined) {
    const start = entry.packOffset - run.offsetBytes;
    return source.codec.decode(entry, packed.subarray(start, start + entry.packedLength));
  }
  try {
    return await readEntry(source, entry);
  } catch (error) {
    const moved = await movedEntry(source, entry, error);
    if (moved === undefined) throw error;
    return readEntry(source, moved);
  }
}

/**
 * Where a content lies now, when its pack is gone: upkeep by another client rewrites contents into
 * new packs, and an index up to 15 minutes old does not show it yet (spec 1 §12.3).
 */
async function movedEntry(
  source: ContentSource,
  entry: ContentEntry,
  error: unknown,
): Promise<ContentEntry | undefined> {
  if (!isKopiaError(error, "BLOB_NOT_FOUND")) return undefined;
  await source.reloadIfOlder(RELOAD_PAUSE_MS);
  const moved = source.lookup(entry.contentId);
  return moved === undefined || moved.packBlobId === entry.packBlobId ? undefined : moved;
}

function comparePlaces(a: ContentEntry, b: ContentEntry): number {
  if (a.packBlobId !== b.packBlobId) return a.packBlobId < b.packBlobId ? -1 : 1;
  return a.packOffset - b.packOffset;
}

function located(entry: ContentEntry, error: unknown): unknown {
  if (!isKopiaError(error)) return error;
  return new KopiaError(error.code, `${describeEntry(entry)}: ${error.message}`, {
    details: { ...error.details, contentId: entry.contentId, packBlobId: entry.packBlobId },
    cause: error,
  });
}

function asKopiaError(error: unknown): KopiaError {
  if (isKopiaError(error)) return error;
  // Anything else is a fault of the program, which a batch must not hide as bad data.
  throw error;
}
