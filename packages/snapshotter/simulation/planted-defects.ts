import type { BlobMetadata } from "@kopia-engine/kopia-format";
import { SAFETY, type SafetyParameters } from "../src/index.ts";
import { ORIGINAL_RULES, type OriginalRules } from "./original-rules.ts";
import { DAY, HOUR } from "./simulated-time.ts";
import type { MaintainerKind, PlanOverrides } from "./world-plan.ts";

/** A wrong decision, planted to see whether the simulation notices. */
export interface PlantedDefect {
  readonly name: string;
  /** Fresh for every world: some defects remember things. */
  readonly rules: () => OriginalRules;
}

/** Defects of the original's maintenance, real ones of the past and plausible ones. */
export const PLANTED_DEFECTS: readonly PlantedDefect[] = [
  {
    name: "kopia#5371: an epoch is compacted from an incomplete set, listed before the epoch was settled",
    rules: () => {
      const known = new Map<number, readonly BlobMetadata[]>();
      return {
        ...ORIGINAL_RULES,
        looked: (view) => {
          for (const [epoch, blobs] of view.uncompacted) {
            if (!known.has(epoch)) known.set(epoch, blobs);
          }
        },
        compactionInputs: (view, epoch) => known.get(epoch) ?? view.uncompacted.get(epoch) ?? [],
      };
    },
  },
  {
    name: "an epoch is compacted while it is written",
    rules: () => ({ ...ORIGINAL_RULES, isSettled: (epoch, view) => epoch <= view.writeEpoch }),
  },
  {
    name: "packs are deleted without a margin",
    rules: () => ({ ...ORIGINAL_RULES, mayDeletePack: () => true }),
  },
  {
    name: "contents are forgotten after one collection",
    rules: () => ({ ...ORIGINAL_RULES, dropTime: (_collections, now) => now }),
  },
  {
    name: "packs of contents that are only marked count as unused: the watermark is not waited for",
    rules: () => ({ ...ORIGINAL_RULES, deletedEntriesUsePacks: false }),
  },
  {
    name: "the newest watermark is cleaned up",
    rules: () => ({ ...ORIGINAL_RULES, mayDeleteWatermark: () => true }),
  },
  {
    name: "index blobs are superseded without reading back what supersedes them",
    rules: () => ({ ...ORIGINAL_RULES, deletesInputsAtOnce: true }),
  },
];

/** How crowded a world is. */
export interface Crowd {
  readonly days: number;
  /** Between two maintenance runs. */
  readonly maintenanceHours: number;
  /** Share of the storage operations that take long, up to hours. */
  readonly slowChance: number;
}

const CROWD: Crowd = { days: 9, maintenanceHours: 7, slowChance: 0.15 };

/** A margin of this engine's maintenance, taken away. */
export interface PlantedMargin {
  readonly name: string;
  /** Where it shows soonest. */
  readonly crowd: Crowd;
  readonly safety: Partial<SafetyParameters>;
}

/** Margins that must be missed when they are gone; the last one is too large: nothing is ever deleted. */
export const PLANTED_MARGINS: readonly PlantedMargin[] = [
  {
    name: "contents are forgotten after one collection",
    crowd: { days: 7, maintenanceHours: 5, slowChance: 0.25 },
    safety: { requireTwoGcCycles: false },
  },
  { name: "no margins at all while others write", crowd: CROWD, safety: { ...SAFETY.none } },
  {
    name: "packs are never old enough",
    crowd: { ...CROWD, slowChance: 0 },
    safety: { packDeleteMinAgeNs: BigInt(3650) * BigInt(DAY) },
  },
];

/**
 * A crowded and slow world, in which wrong decisions show soon: slow clients are in the middle of
 * something whenever maintenance runs.
 */
export function crowdedWorld(kind: MaintainerKind, crowd = CROWD): PlanOverrides {
  const { days, maintenanceHours, slowChance } = crowd;
  const client = { skewNs: 0, listLagNs: 0 };
  return {
    scheme: "epochs",
    durationNs: days * DAY,
    writers: [
      { ...client, name: "writer0", intervalNs: 9 * HOUR },
      { ...client, name: "writer1", intervalNs: 13 * HOUR },
    ],
    readers: [],
    maintainers: [{ ...client, name: "maintainer0", intervalNs: maintenanceHours * HOUR, kind }],
    epochCountThreshold: 3,
    checksOften: true,
    trouble: {
      killChance: 0.1,
      failChance: 0.05,
      slowChance,
      maxSlowNs: 4 * HOUR,
      suspendChance: 0,
      damagedCompactionChance: 0.3,
      tears: false,
    },
  };
}
