import { utf8Encode } from "../../../base/bytes.ts";
import { toUnixSeconds, type Clock, type TimeNs } from "../../../base/clock.ts";
import { KopiaError } from "../../../base/errors.ts";
import type { BlobId, BlobMetadata } from "../../../blob/storage.ts";
import type { EpochParameters } from "../../../format/repository-format.ts";
import { CommittedIndex } from "../../index/committed-index.ts";
import {
  cleanupLimit,
  planMarkerCleanup,
  planSupersededCleanup,
  type SupersededEpoch,
} from "./cleanup-plan.ts";
import { firstEpochAfterChain, isSettled, listBlobs } from "./committed-state.ts";
import {
  compactIndexBlobs,
  isRepresented,
  readIndexes,
  type CompactionContext,
  type CompactionResult,
} from "./compaction.ts";
import type { EpochManager } from "./epoch-manager.ts";
import {
  EPOCH_PREFIX,
  type EpochRange,
  WATERMARK_PAYLOAD,
  rangePrefix,
  parseEpoch,
  singleEpochPrefix,
  uncompactedPrefix,
  watermarkId,
} from "./epoch-names.ts";
import { collectIndexSet } from "./index-set.ts";

/** Lost epochs that are named; more would not help. */
const MAX_REPORTED_EPOCHS = 10;

/** What epoch maintenance works with. */
export interface EpochMaintenanceOptions extends CompactionContext {
  readonly epochs: EpochManager;
  readonly parameters: EpochParameters;
  readonly clock: Clock;
}

/** An epoch that is to be compacted. */
export interface SingleEpochPlan {
  readonly epoch: number;
  readonly inputs: readonly BlobMetadata[];
}

/** Epochs that are to be compacted together. */
export interface RangePlan extends EpochRange {
  readonly inputs: readonly BlobMetadata[];
}

/** What a cleanup of superseded index blobs did. */
export interface SupersededCleanupResult {
  readonly deleted: readonly BlobId[];
  /** Blobs that were kept because their compaction does not represent all their entries. */
  readonly kept: readonly BlobId[];
}

/**
 * Upkeep of the epoch scheme (spec 1 §8.4.6), for the maintenance owner only. Order of a quick cycle:
 * `compactSingleEpoch`, `advanceIfDue`; of a full one: these, `compactRange`, `cleanupMarkers`,
 * `cleanupSuperseded`.
 */
export class EpochMaintenance {
  private readonly options: EpochMaintenanceOptions;

  constructor(options: EpochMaintenanceOptions) {
    this.options = options;
  }

  /** As `EpochManager.advanceIfDue`. */
  advanceIfDue(): Promise<number | undefined> {
    return this.options.epochs.advanceIfDue();
  }

  /** The write epoch as last seen. */
  async writeEpoch(): Promise<number> {
    return (await this.options.epochs.currentState()).writeEpoch;
  }

  /** The epoch that `advanceIfDue` would start now; `undefined` for none. */
  async planAdvance(): Promise<number | undefined> {
    await this.options.epochs.currentState();
    return this.options.epochs.planAdvance();
  }

  /** What `compactSingleEpoch` would compact now. */
  async planSingleEpoch(): Promise<SingleEpochPlan | undefined> {
    const { epochs, storage } = this.options;
    const state = await epochs.currentState();
    let epoch = firstEpochAfterChain(state);
    while (state.singleEpochs.has(epoch)) epoch++;
    if (!isSettled(epoch, state.writeEpoch)) return undefined;
    const inputs = await listBlobs(storage, uncompactedPrefix(epoch));
    return inputs.length === 0 ? undefined : { epoch, inputs };
  }

  /** What `compactRange` would compact now. */
  async planRange(): Promise<RangePlan | undefined> {
    const { epochs, storage, parameters } = this.options;
    const state = await epochs.currentState();
    const range = { firstEpoch: firstEpochAfterChain(state), lastEpoch: state.writeEpoch - 2 };
    const span = range.lastEpoch - range.firstEpoch;
    if (range.lastEpoch < 0 || span < parameters.fullCheckpointFrequency) return undefined;
    const inputs = await collectIndexSet(storage, state, range);
    return inputs.length === 0 ? undefined : { ...range, inputs };
  }

  /** What is older than this time of the storage counts as old; `undefined` when nothing tells the time. */
  async cleanupTime(): Promise<TimeNs | undefined> {
    const { epochs, parameters } = this.options;
    return cleanupLimit(await epochs.currentState(), BigInt(parameters.cleanupSafetyMarginNs));
  }

  /**
   * Settled epochs of which there is no index blob at all, neither compacted nor not. An epoch ends only when
   * it has many of them, so they are lost. Epochs before the first one that is there were never used
   * by repositories that were upgraded, and do not count.
   */
  async missingEpochs(): Promise<number[]> {
    const { epochs, storage } = this.options;
    const state = await epochs.currentState();
    const present = new Set(state.singleEpochs.keys());
    for (const { id } of await listBlobs(storage, EPOCH_PREFIX.uncompacted)) {
      const epoch = parseEpoch(id);
      if (epoch !== undefined) present.add(epoch);
    }
    const afterChain = firstEpochAfterChain(state);
    const start = afterChain > 0 ? afterChain : Math.min(...present);
    const missing: number[] = [];
    for (let epoch = start; isSettled(epoch, state.writeEpoch); epoch++) {
      if (!present.has(epoch)) missing.push(epoch);
      if (missing.length >= MAX_REPORTED_EPOCHS) break;
    }
    return missing;
  }

  /**
   * Compacts the first settled epoch that is in no compaction yet; one epoch a call.
   * @returns `undefined` when there is nothing to do.
   * @throws KopiaError as `compactIndexBlobs`.
   */
  async compactSingleEpoch(): Promise<(CompactionResult & { epoch: number }) | undefined> {
    const { epochs, storage } = this.options;
    const plan = await this.planSingleEpoch();
    if (plan === undefined) return undefined;
    const { epoch, inputs } = plan;
    const result = await compactIndexBlobs(this.options, {
      prefix: singleEpochPrefix(epoch),
      inputs,
      listInputsAgain: async () =>
        (await listBlobs(storage, uncompactedPrefix(epoch))).map((blob) => blob.id),
    });
    epochs.invalidate();
    return { ...result, epoch };
  }

  /**
   * Compacts all settled epochs behind the last range compaction when there are enough of them.
   * @returns `undefined` when there is nothing to do, or the look at the epochs grew too old meanwhile.
   * @throws KopiaError as `compactIndexBlobs`.
   */
  async compactRange(): Promise<CompactionResult | undefined> {
    const { epochs, storage, clock } = this.options;
    const state = await epochs.currentState();
    const plan = await this.planRange();
    if (plan === undefined || clock.now() >= state.validUntil) return undefined;
    const result = await compactIndexBlobs(this.options, {
      prefix: rangePrefix(plan),
      inputs: plan.inputs,
      listInputsAgain: async () =>
        (await collectIndexSet(storage, state, plan)).map((blob) => blob.id),
    });
    epochs.invalidate();
    return result;
  }

  /** Markers that `cleanupMarkers` would delete now. */
  async planMarkerCleanup(): Promise<BlobId[]> {
    const { epochs, storage, parameters } = this.options;
    const state = await epochs.currentState();
    const markers = [
      ...(await listBlobs(storage, EPOCH_PREFIX.marker)),
      ...(await listBlobs(storage, EPOCH_PREFIX.watermark)),
    ];
    return planMarkerCleanup(state, markers, BigInt(parameters.cleanupSafetyMarginNs));
  }

  /** Deletes markers that are no longer needed. @returns the deleted ones. */
  async cleanupMarkers(): Promise<BlobId[]> {
    const obsolete = await this.planMarkerCleanup();
    for (const id of obsolete) await this.options.storage.delete(id);
    return obsolete;
  }

  /** Index blobs that `cleanupSuperseded` would look at now. */
  async planSupersededCleanup(): Promise<SupersededEpoch[]> {
    const { epochs, storage, parameters } = this.options;
    const state = await epochs.currentState();
    const uncompacted = await listBlobs(storage, EPOCH_PREFIX.uncompacted);
    return planSupersededCleanup(state, uncompacted, BigInt(parameters.cleanupSafetyMarginNs));
  }

  /**
   * Deletes index blobs whose epoch's compaction is old enough, each only after it was proven that the
   * compaction represents all its entries.
   * @throws KopiaError `INDEX_CORRUPT` when one cannot be read; nothing of its epoch is deleted then.
   */
  async cleanupSuperseded(): Promise<SupersededCleanupResult> {
    const { storage } = this.options;
    const deleted: BlobId[] = [];
    const kept: BlobId[] = [];
    for (const { compaction, superseded } of await this.planSupersededCleanup()) {
      const index = new CommittedIndex();
      index.add(await readIndexes(this.options, compaction));
      const readers = await readIndexes(this.options, superseded);
      for (const reader of readers) {
        if (isRepresented(reader, index)) {
          await storage.delete(reader.blobId);
          deleted.push(reader.blobId);
        } else kept.push(reader.blobId);
      }
    }
    return { deleted, kept };
  }

  /**
   * Moves the deletion watermark (spec 1 §8.4.7): entries deleted at or before it are gone for good.
   * @returns false when the repository's watermark is later already.
   * @throws KopiaError `ARGUMENT_INVALID` for a time in the future.
   */
  async advanceWatermark(seconds: number): Promise<boolean> {
    const { epochs, storage, clock } = this.options;
    const nowSeconds = toUnixSeconds(clock.now());
    if (!Number.isSafeInteger(seconds) || seconds < 0 || seconds > nowSeconds) {
      throw new KopiaError(
        "ARGUMENT_INVALID",
        `the deletion watermark must be a time in the past, is ${seconds} (now is ${nowSeconds})`,
        { details: { seconds, nowSeconds } },
      );
    }
    const state = await epochs.refresh();
    if (seconds < state.watermarkSeconds) return false;
    await storage.put(watermarkId(seconds), utf8Encode(WATERMARK_PAYLOAD));
    epochs.invalidate();
    return true;
  }
}
