import { NS_PER_SECOND } from "@kopia-engine/kopia-format";

const NS_PER_HOUR = 3600n * NS_PER_SECOND;

/** Margins that keep maintenance from taking away what another client needs (spec 3 §1.7). */
export interface SafetyParameters {
  /** Younger contents are not moved: their writer may still be indexing them. */
  readonly rewriteMinAgeNs: bigint;
  /** Younger contents may belong to a snapshot whose manifest is not written yet. */
  readonly minContentAgeNs: bigint;
  /** Between two collections, so that a snapshot racing with the first is seen by the second. */
  readonly marginBetweenGcNs: bigint;
  /** Contents are forgotten only after a second collection confirmed the first. */
  readonly requireTwoGcCycles: boolean;
  /** Taken off the start of the confirmed collection. */
  readonly dropExtraMarginNs: bigint;
  /** Younger packs may wait for their index entries. */
  readonly packDeleteMinAgeNs: bigint;
  /** A write session is dead after this; before, its packs stay. */
  readonly sessionExpirationNs: bigint;
  /** From rewriting to deleting: other clients load new indexes meanwhile. */
  readonly rewriteToDeleteDelayNs: bigint;
}

/** Names of the presets. */
export type Safety = "full" | "none";

/** Presets with Kopia's values. `none` is right only while no other client of any kind is active. */
export const SAFETY: Readonly<Record<Safety, SafetyParameters>> = {
  full: {
    rewriteMinAgeNs: 2n * NS_PER_HOUR,
    minContentAgeNs: 24n * NS_PER_HOUR,
    marginBetweenGcNs: 4n * NS_PER_HOUR,
    requireTwoGcCycles: true,
    dropExtraMarginNs: NS_PER_HOUR,
    packDeleteMinAgeNs: 24n * NS_PER_HOUR,
    sessionExpirationNs: 96n * NS_PER_HOUR,
    rewriteToDeleteDelayNs: NS_PER_HOUR,
  },
  none: {
    rewriteMinAgeNs: 0n,
    minContentAgeNs: 0n,
    marginBetweenGcNs: 0n,
    requireTwoGcCycles: false,
    dropExtraMarginNs: 0n,
    packDeleteMinAgeNs: 0n,
    sessionExpirationNs: 0n,
    rewriteToDeleteDelayNs: 0n,
  },
};

/** Largest difference between the storage's clock and ours (spec 3 §1.4 step 9). */
export const MAX_CLOCK_SKEW_NS: bigint = 300n * NS_PER_SECOND;
