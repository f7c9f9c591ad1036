import type { BlobMetadata } from "../../../blob/storage.ts";

/** What the choice of inputs depends on. */
export interface V0CompactionPlanOptions {
  readonly maxPackSizeBytes: number;
  /** Fewer candidates than this: nothing to do. */
  readonly maxSmallBlobs: number;
  /** Takes index blobs of every size. */
  readonly allIndexes: boolean;
}

/** Index blobs below `maxPackSize / VERY_SMALL_PART` are very small. */
const VERY_SMALL_PART = 20;

/** The active index blobs that a compaction takes in (spec 1 §8.3, step 1); empty for nothing to do. */
export function planV0Compaction(
  active: readonly BlobMetadata[],
  { maxPackSizeBytes, maxSmallBlobs, allIndexes }: V0CompactionPlanOptions,
): readonly BlobMetadata[] {
  const candidates = active.filter((blob) => allIndexes || blob.lengthBytes <= maxPackSizeBytes);
  if (candidates.length < maxSmallBlobs) return [];
  const limitBytes = Math.floor(maxPackSizeBytes / VERY_SMALL_PART);
  const verySmall = candidates.filter((blob) => blob.lengthBytes < limitBytes);
  const mediumCount = candidates.length - verySmall.length;
  const onlyVerySmall = verySmall.length > candidates.length / 2 && mediumCount + 1 < maxSmallBlobs;
  return onlyVerySmall ? verySmall : candidates;
}
