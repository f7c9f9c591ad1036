import type { BlobMetadata, TimeNs } from "@kopia-engine/kopia-format";
import type { EpochView } from "./original-epochs.ts";
import { HOUR } from "./simulated-time.ts";

/** A successful run in the maintenance history. */
export interface PastRun {
  readonly start: TimeNs;
  readonly end: TimeNs;
}

/** An unreferenced blob that may be deleted. */
export interface DeletionCandidate {
  readonly blob: BlobMetadata;
  /** Storage's time of the maintenance start, a second later. */
  readonly cutoff: TimeNs;
  /** When its session was started; `undefined` when its marker is gone. */
  readonly sessionStart: TimeNs | undefined;
}

/** A deletion watermark in storage. */
export interface WatermarkMarker {
  readonly seconds: number;
  /** Longer in storage than the safety margin. */
  readonly isOld: boolean;
}

/** The decisions of the original's maintenance, one by one: planted defects replace one of them. */
export interface OriginalRules {
  /** Unreferenced contents younger than this are left alone, in nanoseconds. */
  readonly minContentAgeNs: bigint;
  /** Contents younger than this are not moved. */
  readonly rewriteMinAgeNs: bigint;
  /** Time up to which deletion marks are confirmed (spec 3 §1.9). */
  dropTime(collections: readonly PastRun[], now: TimeNs): TimeNs | undefined;
  /** Whether entries count as use of a pack that are marked deleted, but not yet under the watermark. */
  readonly deletedEntriesUsePacks: boolean;
  mayDeletePack(candidate: DeletionCandidate): boolean;
  /** Whether packs may be deleted so soon after a rewrite (spec 3 §1.6). */
  mayDeletePacksAfter(lastRewriteEnd: TimeNs | undefined, now: TimeNs): boolean;
  /** Told what the epochs look like whenever maintenance looks. */
  readonly looked?: (view: EpochView) => void;
  /** Compactions delete what they merged, instead of leaving it to a later cleanup. */
  readonly deletesInputsAtOnce: boolean;
  /** Index blobs that the compaction of an epoch merges. */
  compactionInputs(view: EpochView, epoch: number): readonly BlobMetadata[];
  /** Whether nobody writes into an epoch any more. */
  isSettled(epoch: number, view: EpochView): boolean;
  /** Before this time of the storage a compaction is old enough to replace what it was made of. */
  cleanupLimit(view: EpochView): TimeNs | undefined;
  /** Whether a watermark marker may go. */
  mayDeleteWatermark(marker: WatermarkMarker, view: EpochView): boolean;
}

const HOUR_NS = BigInt(HOUR);

/** The decisions as the original takes them with full safety (spec 3 §1.7–§1.13). */
export const ORIGINAL_RULES: OriginalRules = {
  minContentAgeNs: 24n * HOUR_NS,
  rewriteMinAgeNs: 2n * HOUR_NS,
  dropTime(collections) {
    const [latest, ...older] = collections.toSorted((a, b) => (a.start < b.start ? 1 : -1));
    if (latest === undefined) return undefined;
    const confirmed = older.find(({ end }) => latest.start - end > 4n * HOUR_NS);
    return confirmed === undefined ? undefined : confirmed.start - HOUR_NS;
  },
  deletedEntriesUsePacks: true,
  mayDeletePack({ blob, cutoff, sessionStart }) {
    if (blob.timestamp > cutoff || cutoff - blob.timestamp < 24n * HOUR_NS) return false;
    return sessionStart === undefined || cutoff - sessionStart >= 96n * HOUR_NS;
  },
  mayDeletePacksAfter: (lastRewriteEnd, now) =>
    lastRewriteEnd === undefined || now >= lastRewriteEnd + HOUR_NS,
  deletesInputsAtOnce: false,
  compactionInputs: (view, epoch) => view.uncompacted.get(epoch) ?? [],
  isSettled: (epoch, { writeEpoch }) => epoch <= writeEpoch - 2,
  cleanupLimit: ({ newest }) => (newest === undefined ? undefined : newest - 4n * HOUR_NS),
  mayDeleteWatermark: ({ seconds, isOld }, { watermarkSeconds }) =>
    isOld && seconds < watermarkSeconds,
};
