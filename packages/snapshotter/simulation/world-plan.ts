import type { SeededChoices } from "./seeded-choices.ts";
import { DAY, HOUR, MINUTE, SECOND } from "./simulated-time.ts";

/** Whose rules a maintainer follows. */
export type MaintainerKind = "ours" | "original";

/** How one client differs from the others. */
export interface ClientPlan {
  readonly name: string;
  /** Its clock less the storage's. */
  readonly skewNs: number;
  /** Listings show what others did this long ago. */
  readonly listLagNs: number;
  /** Mean time between two runs. */
  readonly intervalNs: number;
}

/** A maintainer: its kind decides the rules, its safety the margins. */
export interface MaintainerPlan extends ClientPlan {
  readonly kind: MaintainerKind;
}

/** How often things go wrong. Chances are per process, slowness per operation. */
export interface TroublePlan {
  readonly killChance: number;
  readonly failChance: number;
  readonly slowChance: number;
  /** Longest time a slow operation takes. */
  readonly maxSlowNs: number;
  /** A process that stands still for days, like a laptop that was closed. */
  readonly suspendChance: number;
  /** Chance that a compaction is not stored as it was put, and nobody says so. */
  readonly damagedCompactionChance: number;
  /** Puts are not atomic: a client that dies may leave half a blob. */
  readonly tears: boolean;
}

/** What a seed makes of the world. */
export interface WorldPlan {
  readonly scheme: "epochs" | "older";
  readonly durationNs: number;
  readonly writers: readonly ClientPlan[];
  readonly readers: readonly ClientPlan[];
  readonly maintainers: readonly MaintainerPlan[];
  readonly trouble: TroublePlan;
  /** Epoch parameters, in Kopia's proportions (spec 1 §3.3). */
  readonly minEpochDurationNs: number;
  readonly epochCountThreshold: number;
  readonly fullCheckpointFrequency: number;
  readonly maxPackSizeBytes: number;
  /** Whether everything is checked whenever a program ends, not only after crashes and at the end. */
  readonly checksOften: boolean;
  /** Whether the world ends with quiet days, after which garbage must be gone. */
  readonly checksGarbage: boolean;
}

/** Listings never lag more than this: what index refreshing and the margins of maintenance allow for. */
export const MAX_LIST_LAG_NS = 5 * MINUTE;
/** Largest clock skew that maintenance accepts (spec 3 §1.4 step 9). */
export const MAX_SKEW_NS = 5 * MINUTE;
/** A write whose client died is done within this time, or never: less than packs are kept unreferenced. */
export const MAX_LATE_NS = 12 * HOUR;

/** Which parts of the world are fixed, whatever the seed says. */
export type PlanOverrides = Partial<WorldPlan>;

/** Draws a world. */
export function planWorld(choices: SeededChoices, overrides: PlanOverrides = {}): WorldPlan {
  const isLong = choices.chance(0.03);
  const lags = choices.chance(0.3);
  const client = (name: string, intervalNs: number): ClientPlan => ({
    name,
    skewNs: choices.chance(0.4) ? Math.round(choices.between(-0.95, 0.95) * MAX_SKEW_NS) : 0,
    listLagNs: lags ? choices.below(MAX_LIST_LAG_NS / SECOND) * SECOND : 0,
    intervalNs,
  });
  const kinds = choices.pick<readonly MaintainerKind[]>([
    ["ours"],
    ["ours"],
    ["ours"],
    ["original"],
    ["ours", "original"],
    ["ours", "ours"],
  ]);
  const trouble = planTrouble(choices, lags);
  const days = choices.pick([2.5, 3, 3.5, 4, 5, 7]);
  const plan: WorldPlan = {
    scheme: choices.chance(0.2) ? "older" : "epochs",
    // Who stands still for days must have time to go on.
    durationNs:
      (isLong ? choices.between(30, 70) : days + (trouble.suspendChance > 0 ? 8 : 0)) * DAY,
    writers: counted(choices.pick([1, 2, 2]), (i) =>
      client(`writer${i}`, choices.between(isLong ? 24 : 10, isLong ? 60 : 36) * HOUR),
    ),
    readers: counted(choices.pick([0, 0, 1]), (i) => client(`reader${i}`, 40 * HOUR)),
    maintainers: counted(kinds.length, (i) => ({
      ...client(`maintainer${i}`, choices.pick(isLong ? [24] : [8, 12, 24]) * HOUR),
      kind: kinds[i] as MaintainerKind,
    })),
    trouble,
    minEpochDurationNs: choices.pick([DAY, DAY, 6 * HOUR]),
    epochCountThreshold: choices.pick([2, 3, 6]),
    fullCheckpointFrequency: choices.pick([2, 3, 7]),
    maxPackSizeBytes: choices.pick([1200, 2500, 6000]),
    checksOften: choices.chance(0.03),
    checksGarbage: choices.chance(0.2),
  };
  return { ...plan, ...overrides };
}

function planTrouble(choices: SeededChoices, lags: boolean): TroublePlan {
  const calm = choices.chance(0.1);
  const slow = choices.chance(0.6);
  return {
    killChance: calm ? 0 : choices.between(0, 0.25),
    failChance: calm ? 0 : choices.between(0, 0.15),
    slowChance: slow ? choices.between(0, 0.12) : 0,
    maxSlowNs: choices.pick([30 * SECOND, 20 * MINUTE, 2 * HOUR]),
    // A client that both stands still for days and sees stale listings cannot know where it stands.
    suspendChance: !lags && choices.chance(0.1) ? 0.15 : 0,
    damagedCompactionChance: choices.chance(0.3) ? 0.5 : 0,
    tears: choices.chance(0.3),
  };
}

function counted<Item>(count: number, make: (index: number) => Item): Item[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
