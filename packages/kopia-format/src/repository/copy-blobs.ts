import { bytesEqual } from "../base/bytes.ts";
import { KopiaError, isKopiaError } from "../base/errors.ts";
import type { BlobId, BlobMetadata, BlobStorage } from "../blob/storage.ts";
import { BLOB_CONFIG_ID } from "../format/blob-config.ts";
import { FORMAT_BLOB_ID, decodeFormatBlob } from "../format/format-blob.ts";

/** What has been counted so far. */
export interface BlobTotal {
  readonly count: number;
  readonly bytes: number;
}

/** What a copy will do. */
export interface BlobCopyPlan {
  /** In the order in which they are copied: an index never arrives before the packs it names. */
  readonly toCopy: readonly BlobMetadata[];
  /** In the order in which they are deleted: indexes before packs. */
  readonly toDelete: readonly BlobMetadata[];
  /** Blobs that are the same on both sides. */
  readonly inSync: BlobTotal;
}

/** Both ends of a copy. */
export interface CopyEnds {
  readonly source: BlobStorage;
  readonly destination: BlobStorage;
}

/** How a copy is planned. */
export interface PlanCopyOptions {
  /** Copies blobs again that are newer, or of another length, at the source. */
  readonly update: boolean;
  /** Deletes what the source does not have. */
  readonly delete: boolean;
  readonly onProgress?: (
    where: "source" | "destination",
    found: BlobTotal,
    toCopy: BlobTotal,
  ) => void;
}

/** How a plan is carried out. */
export interface ExecuteCopyOptions {
  /** Blobs copied at once. */
  readonly parallel: number;
  /** Keeps the source's timestamps. */
  readonly preserveTimes: boolean;
  readonly signal?: AbortSignal;
  readonly onCopied?: (copied: BlobTotal) => void;
}

/** What a copy did. */
export interface CopyResult {
  readonly copied: BlobTotal;
  readonly deletedCount: number;
  /** Blobs that were gone from the source when their turn came: somebody maintains it meanwhile. */
  readonly vanishedCount: number;
}

/**
 * Makes sure that the destination is a copy of the same repository. Where it has no format blob yet, the
 * source's is written first, unless `mayWrite` is false (spec 3 §6.10).
 * @param mustExist refuses a destination without format blob.
 * @throws KopiaError `REPOSITORY_NOT_FOUND`, `REPOSITORY_FOREIGN_DATA` for another repository or for blobs without a
 * format blob, `FORMAT_CORRUPT`, storage errors.
 */
export async function prepareDestination(
  { source, destination }: CopyEnds,
  options: { readonly mustExist: boolean; readonly mayWrite: boolean },
): Promise<void> {
  const ours = await source.get(FORMAT_BLOB_ID);
  const theirs = await getIfPresent(destination, FORMAT_BLOB_ID);
  if (theirs !== undefined) {
    if (bytesEqual(decodeFormatBlob(ours).uniqueId, decodeFormatBlob(theirs).uniqueId)) return;
    throw new KopiaError(
      "REPOSITORY_FOREIGN_DATA",
      `${destination.displayName} holds another repository than ${source.displayName}`,
    );
  }
  if (options.mustExist)
    throw new KopiaError(
      "REPOSITORY_NOT_FOUND",
      `${destination.displayName} has no ${FORMAT_BLOB_ID}`,
    );
  for await (const { id } of destination.list("")) {
    throw new KopiaError(
      "REPOSITORY_FOREIGN_DATA",
      `${destination.displayName} holds blobs, such as ${id}, but no ${FORMAT_BLOB_ID}`,
      { details: { blobId: id } },
    );
  }
  if (options.mayWrite) await destination.put(FORMAT_BLOB_ID, ours);
}

/** Compares both ends. @throws KopiaError of the storages. */
export async function planBlobCopy(
  { source, destination }: CopyEnds,
  options: PlanCopyOptions,
): Promise<BlobCopyPlan> {
  const { onProgress } = options;
  const there = new Map<BlobId, BlobMetadata>();
  const nothing = { count: 0, bytes: 0 };
  let found = nothing;
  // The destination first: what arrives at the source meanwhile is copied, never deleted.
  for await (const blob of destination.list("")) {
    there.set(blob.id, blob);
    found = plus(found, blob);
    onProgress?.("destination", found, nothing);
  }
  const toCopy: BlobMetadata[] = [];
  let inSync = nothing;
  let missing = nothing;
  found = nothing;
  for await (const blob of source.list("")) {
    const copy = there.get(blob.id);
    there.delete(blob.id);
    if (copy !== undefined && !(options.update && isOutdated(copy, blob)))
      inSync = plus(inSync, blob);
    else {
      toCopy.push(blob);
      missing = plus(missing, blob);
    }
    found = plus(found, blob);
    onProgress?.("source", found, missing);
  }
  const extra = options.delete ? [...there.values()] : [];
  return {
    toCopy: toCopy.sort((a, b) => copyRank(a.id) - copyRank(b.id)),
    toDelete: extra.sort((a, b) => copyRank(b.id) - copyRank(a.id)),
    inSync,
  };
}

/**
 * Copies, kind after kind, then deletes. An interrupted copy is continued by the next one.
 * @throws KopiaError of the storages; the signal's reason when it was aborted.
 */
export async function executeBlobCopy(
  { source, destination }: CopyEnds,
  plan: BlobCopyPlan,
  options: ExecuteCopyOptions,
): Promise<CopyResult> {
  let copied: BlobTotal = { count: 0, bytes: 0 };
  let vanishedCount = 0;
  const copy = async (blob: BlobMetadata): Promise<void> => {
    options.signal?.throwIfAborted();
    const data = await getIfPresent(source, blob.id);
    if (data === undefined) {
      vanishedCount++;
      return;
    }
    const { timestamp } = blob;
    await destination.put(blob.id, data, options.preserveTimes ? { timestamp } : {});
    copied = plus(copied, { ...blob, lengthBytes: data.length });
    options.onCopied?.(copied);
  };
  for (let start = 0; start < plan.toCopy.length;) {
    const rank = copyRank((plan.toCopy[start] as BlobMetadata).id);
    let end = start;
    while (end < plan.toCopy.length && copyRank((plan.toCopy[end] as BlobMetadata).id) === rank)
      end++;
    await forEachParallel(plan.toCopy.slice(start, end), options.parallel, copy);
    start = end;
  }
  for (const { id } of plan.toDelete) {
    options.signal?.throwIfAborted();
    await destination.delete(id);
  }
  return { copied, deletedCount: plan.toDelete.length, vanishedCount };
}

/** Session markers protect packs; packs come before what names them; the format comes with all that it describes. */
function copyRank(id: BlobId): number {
  if (id.startsWith("s")) return 0;
  if (id.startsWith("p") || id.startsWith("q")) return 1;
  if (/^[xnml]/.test(id)) return 3;
  return id === FORMAT_BLOB_ID || id === BLOB_CONFIG_ID ? 4 : 2;
}

function isOutdated(copy: BlobMetadata, original: BlobMetadata): boolean {
  return original.timestamp > copy.timestamp || original.lengthBytes !== copy.lengthBytes;
}

function plus(total: BlobTotal, { lengthBytes }: Pick<BlobMetadata, "lengthBytes">): BlobTotal {
  return { count: total.count + 1, bytes: total.bytes + lengthBytes };
}

async function getIfPresent(storage: BlobStorage, id: BlobId) {
  try {
    return await storage.get(id);
  } catch (error) {
    if (isKopiaError(error, "BLOB_NOT_FOUND")) return undefined;
    throw error;
  }
}

/** The first failure stops the others after what they are doing. */
async function forEachParallel<Item>(
  items: readonly Item[],
  parallel: number,
  run: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0;
  let hasFailed = false;
  const work = async (): Promise<void> => {
    while (!hasFailed && next < items.length) {
      try {
        await run(items[next++] as Item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(
    Array.from({ length: Math.max(1, Math.min(parallel, items.length)) }, work),
  );
  for (const result of results) if (result.status === "rejected") throw result.reason as Error;
}
