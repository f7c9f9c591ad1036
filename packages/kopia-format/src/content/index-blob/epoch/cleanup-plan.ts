import type { TimeNs } from "../../../base/clock.ts";
import type { BlobId, BlobMetadata } from "../../../blob/storage.ts";
import { isSettled, type CommittedState } from "./committed-state.ts";
import { parseEpoch, parseWatermark, uncompactedPrefix } from "./epoch-names.ts";

/** Index blobs that compactions of their epochs have replaced. */
export interface SupersededEpoch {
  readonly epoch: number;
  /** The compaction that replaces them. */
  readonly compaction: readonly BlobMetadata[];
  readonly superseded: readonly BlobMetadata[];
}

/**
 * Markers that are no longer needed (spec 1 §8.4.6): `xe` of epochs before the previous one, and old
 * `xw` other than the current watermark, which must stay for ever (§8.4.7). Pure.
 * @param markers all `xe` and `xw` blobs.
 */
export function planMarkerCleanup(
  state: CommittedState,
  markers: readonly BlobMetadata[],
  safetyMarginNs: bigint,
): BlobId[] {
  const limit = cleanupLimit(state, safetyMarginNs);
  if (limit === undefined) return [];
  const isObsolete = ({ id, timestamp }: BlobMetadata): boolean => {
    if (id.startsWith("xe")) {
      const epoch = parseEpoch(id);
      return epoch !== undefined && epoch < state.writeEpoch - 1;
    }
    const seconds = id.startsWith("xw") ? parseWatermark(id) : undefined;
    return seconds !== undefined && seconds < state.watermarkSeconds && timestamp < limit;
  };
  return markers.filter(isObsolete).map((blob) => blob.id);
}

/**
 * Uncompacted index blobs that a complete single-epoch compaction has replaced for long enough
 * (spec 1 §8.4.6). Pure.
 * @param uncompacted all `xn` blobs.
 */
export function planSupersededCleanup(
  state: CommittedState,
  uncompacted: readonly BlobMetadata[],
  safetyMarginNs: bigint,
): SupersededEpoch[] {
  const limit = cleanupLimit(state, safetyMarginNs);
  if (limit === undefined) return [];
  const plan: SupersededEpoch[] = [];
  for (const [epoch, compaction] of state.singleEpochs) {
    if (!isSettled(epoch, state.writeEpoch)) continue;
    if (!compaction.every((blob) => blob.timestamp < limit)) continue;
    const prefix = uncompactedPrefix(epoch);
    const superseded = uncompacted.filter((blob) => blob.id.startsWith(prefix));
    if (superseded.length > 0) plan.push({ epoch, compaction, superseded });
  }
  return plan;
}

/**
 * Before this time of the storage's clock things count as old: the newest flush less the margin. Without
 * any flush nothing tells the storage's time, and nothing is old.
 */
export function cleanupLimit(state: CommittedState, safetyMarginNs: bigint): TimeNs | undefined {
  let newest: TimeNs | undefined;
  for (const blobs of state.uncompacted.values()) {
    for (const { timestamp } of blobs) {
      if (newest === undefined || timestamp > newest) newest = timestamp;
    }
  }
  return newest === undefined ? undefined : newest - safetyMarginNs;
}
