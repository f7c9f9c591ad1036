import {
  KopiaError,
  formatGoTime,
  type BlobMetadata,
  type EpochMaintenance,
  type RangePlan,
  type SingleEpochPlan,
  type SupersededEpoch,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import type { Cycle } from "../maintenance-cycle.ts";
import { totalBytes } from "../maintenance-plan.ts";
import type { MaintenanceTask } from "../maintenance-task.ts";
import { assertOnlyMaintainer } from "../trusted-storage.ts";

const NOTHING = { lines: ["nothing to do"], details: {} };

function epochsOf({ upkeep }: Cycle): EpochMaintenance {
  if (upkeep.scheme === "epoch") return upkeep.epochs;
  throw new KopiaError("ARGUMENT_INVALID", "this repository has no epochs");
}

/** Compacts the first settled epoch that is in no compaction yet (spec 3 §1.13). */
export const compactSingleEpoch: MaintenanceTask<SingleEpochPlan | undefined> = {
  name: "compact-single-epoch",
  kind: "compactSingleEpochStats",
  isVerified: true,
  plan: (cycle) => epochsOf(cycle).planSingleEpoch(),
  describe: (plan) =>
    plan === undefined
      ? NOTHING
      : {
          lines: [
            `merge ${plan.inputs.length} index blobs (${totalBytes(plan.inputs)} bytes) of epoch ${plan.epoch}`,
          ],
          details: { epoch: plan.epoch, inputs: plan.inputs.map(({ id }) => id) },
        },
  async execute(plan, cycle) {
    const done = plan && (await epochsOf(cycle).compactSingleEpoch());
    if (done === undefined) return null;
    return {
      supersededIndexBlobCount: done.inputs.length,
      supersededIndexTotalSize: totalBytes(done.inputs),
      epoch: done.epoch,
    };
  },
};

/** Starts the next epoch when the current one is old and full enough. */
export const advanceEpoch: MaintenanceTask<number | undefined> = {
  name: "advance-epoch",
  kind: "advanceEpochStats",
  isVerified: true,
  plan: (cycle) => epochsOf(cycle).planAdvance(),
  describe: (next) => ({
    lines: [next === undefined ? "stay in this epoch" : `start epoch ${next}`],
    details: { wasAdvanced: next !== undefined },
  }),
  async execute(_next, cycle) {
    const epochs = epochsOf(cycle);
    const advanced = await epochs.advanceIfDue();
    const currentEpoch = advanced ?? (await epochs.writeEpoch());
    return { currentEpoch, wasAdvanced: advanced !== undefined };
  },
};

/** Compacts all settled epochs together when there are enough of them. */
export const compactRange: MaintenanceTask<RangePlan | undefined> = {
  name: "generate-epoch-range-index",
  kind: "generateRangeCheckpointStats",
  isVerified: true,
  plan: (cycle) => epochsOf(cycle).planRange(),
  describe: (plan) =>
    plan === undefined
      ? NOTHING
      : {
          lines: [
            `merge ${plan.inputs.length} index blobs (${totalBytes(plan.inputs)} bytes) of epochs ${plan.firstEpoch} to ${plan.lastEpoch}`,
          ],
          details: {
            rangeMinEpoch: plan.firstEpoch,
            rangeMaxEpoch: plan.lastEpoch,
            inputs: plan.inputs.map(({ id }) => id),
          },
        },
  async execute(plan, cycle) {
    const done = plan && (await epochsOf(cycle).compactRange());
    if (done === undefined || plan === undefined) return null;
    return { rangeMinEpoch: plan.firstEpoch, rangeMaxEpoch: plan.lastEpoch };
  },
};

interface MarkerPlan {
  readonly obsolete: readonly string[];
  /** `undefined`: nothing tells the storage's time. */
  readonly limit: TimeNs | undefined;
}

/** Deletes markers of epochs long past and old deletion watermarks. */
export const cleanupMarkers: MaintenanceTask<MarkerPlan> = {
  name: "cleanup-epoch-markers",
  kind: "cleanupMarkersStats",
  isVerified: false,
  async plan(cycle) {
    const epochs = epochsOf(cycle);
    return { obsolete: await epochs.planMarkerCleanup(), limit: await epochs.cleanupTime() };
  },
  describe: ({ obsolete }) => ({
    lines: [`delete ${obsolete.length} markers${obsolete.map((id) => ` ${id}`).join("")}`],
    details: { markers: [...obsolete] },
  }),
  async execute({ obsolete, limit }, cycle) {
    if (limit === undefined) return null;
    if (obsolete.length > 0) await assertOnlyMaintainer(cycle);
    for (const id of obsolete) await cycle.repository.storage.delete(id);
    const watermarks = obsolete.filter((id) => id.startsWith("xw")).length;
    return {
      deletedEpochMarkerBlobCount: obsolete.length - watermarks,
      deletedWatermarkBlobCount: watermarks,
    };
  },
};

interface SupersededPlan {
  readonly epochs: readonly SupersededEpoch[];
  readonly blobs: readonly BlobMetadata[];
  readonly limit: TimeNs | undefined;
}

/** Deletes index blobs that compactions have replaced for long enough, each proven to be represented. */
export const cleanupSuperseded: MaintenanceTask<SupersededPlan> = {
  name: "delete-superseded-epoch-indexes",
  kind: "cleanupSupersededIndexesStats",
  isVerified: true,
  async plan(cycle) {
    const epochs = await epochsOf(cycle).planSupersededCleanup();
    const blobs = epochs.flatMap(({ superseded }) => superseded);
    return { epochs, blobs, limit: await epochsOf(cycle).cleanupTime() };
  },
  describe: ({ epochs, blobs }) => ({
    lines: [
      `delete ${blobs.length} index blobs (${totalBytes(blobs)} bytes) of ${epochs.length} compacted epochs, ` +
        "each after proof that its compaction holds all its entries",
    ],
    details: { epochs: epochs.map(({ epoch }) => epoch) },
    deletes: blobs,
  }),
  async execute({ blobs, limit }, cycle) {
    if (limit === undefined) return null;
    if (blobs.length > 0) await assertOnlyMaintainer(cycle);
    const result = await epochsOf(cycle).cleanupSuperseded();
    for (const id of result.kept) {
      cycle.observer.note?.(
        `index blob ${id} was kept: the compaction of its epoch does not hold all its entries`,
      );
    }
    const deleted = new Set(result.deleted);
    return {
      maxReplacementTime: formatGoTime(limit),
      deletedBlobCount: deleted.size,
      deletedTotalSize: totalBytes(blobs.filter(({ id }) => deleted.has(id))),
    };
  },
};
