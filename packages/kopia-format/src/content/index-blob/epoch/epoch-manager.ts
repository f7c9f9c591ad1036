import { NS_PER_MS, type Clock, type TimeNs } from "../../../base/clock.ts";
import { utf8Encode } from "../../../base/bytes.ts";
import { KopiaError } from "../../../base/errors.ts";
import type { BlobMetadata, BlobStorage } from "../../../blob/storage.ts";
import type { EpochParameters } from "../../../format/repository-format.ts";
import { readCommittedState, type CommittedState } from "./committed-state.ts";
import { EPOCH_MARKER_PAYLOAD, epochMarkerId, uncompactedPrefix } from "./epoch-names.ts";
import { collectIndexSet } from "./index-set.ts";

/** What an epoch manager works with. */
export interface EpochManagerOptions {
  readonly storage: BlobStorage;
  readonly parameters: EpochParameters;
  readonly clock: Clock;
}

/** An encrypted index shard and the part of its name behind the epoch: `H-S-cN` (spec 1 §8.4.5). */
export interface NamedIndexShard {
  readonly namePart: string;
  readonly data: Uint8Array;
}

/** Looks at the storage are repeated this often when they take too long; then the storage is too slow to work with. */
const MAX_ATTEMPTS = 10;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 15_000;

/**
 * The epoch scheme of one repository (spec 1 §8.4): which index blobs are active, and where new ones
 * go. Keeps one committed state while it is valid; concurrent callers share one refresh. Reading and
 * writing never advance an epoch: `advanceIfDue` does, for maintenance.
 */
export class EpochManager {
  private readonly storage: BlobStorage;
  private readonly parameters: EpochParameters;
  private readonly clock: Clock;
  private state: CommittedState | undefined;
  private lastLoaded: CommittedState | undefined;
  private refreshing: Promise<CommittedState> | undefined;

  constructor(options: EpochManagerOptions) {
    this.storage = options.storage;
    this.parameters = options.parameters;
    this.clock = options.clock;
  }

  /** The last state that was loaded, whatever its age; `undefined` before the first. */
  get lastState(): CommittedState | undefined {
    return this.lastLoaded;
  }

  /** Makes the next use read the storage again. */
  invalidate(): void {
    this.state = undefined;
    this.refreshing = undefined;
  }

  /**
   * A state with at least `minValidityNs` nanoseconds left.
   * @throws KopiaError `EPOCH_EXPIRED` when the storage is too slow to ever give one, and storage errors.
   */
  async currentState(minValidityNs = 1n): Promise<CommittedState> {
    const { state } = this;
    if (state !== undefined && state.validUntil - this.clock.now() >= minValidityNs) return state;
    return this.refresh();
  }

  /**
   * Reads the storage now.
   * @throws KopiaError `EPOCH_EXPIRED`, and storage errors.
   */
  refresh(): Promise<CommittedState> {
    if (this.refreshing !== undefined) return this.refreshing;
    const refreshing = this.readValidState().then(
      (state) => {
        // A later `invalidate` must not be undone by an earlier look.
        if (this.refreshing === refreshing) {
          this.state = state;
          this.lastLoaded = state;
          this.refreshing = undefined;
        }
        return state;
      },
      (error: unknown) => {
        if (this.refreshing === refreshing) this.refreshing = undefined;
        throw error;
      },
    );
    this.refreshing = refreshing;
    return refreshing;
  }

  /**
   * All active index blobs of now (spec 1 §8.4.4).
   * @throws KopiaError `EPOCH_EXPIRED`, and storage errors.
   */
  async activeIndexBlobs(): Promise<{ blobs: BlobMetadata[]; watermarkSeconds: number }> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const state = await this.currentState();
      const range = { firstEpoch: 0, lastEpoch: state.writeEpoch + 1 };
      const blobs = await collectIndexSet(this.storage, state, range);
      if (this.clock.now() < state.validUntil) {
        return { blobs, watermarkSeconds: state.watermarkSeconds };
      }
      this.invalidate();
    }
    throw this.tooSlow("listing the index blobs");
  }

  /**
   * Stores index shards in the write epoch (spec 1 §8.4.5).
   * @throws KopiaError `EPOCH_EXPIRED` when the epoch was left behind meanwhile; the shards are removed
   *   again then. A failed put leaves the shards before it in place.
   */
  async writeIndexBlobs(shards: readonly NamedIndexShard[]): Promise<BlobMetadata[]> {
    const written = new Map<string, BlobMetadata>();
    let epoch = -1;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const state = await this.currentState((this.refreshFrequencyNs * 3n) / 4n);
      if (state.writeEpoch !== epoch) {
        await this.deleteAll(written);
        epoch = state.writeEpoch;
      }
      if (!(await this.putShards(shards, state, written))) continue;
      this.invalidate();
      const after = await this.currentState();
      if (after.writeEpoch >= epoch + 2) {
        await this.deleteAll(written);
        throw this.leftBehind(epoch, after.writeEpoch);
      }
      return shards.map((shard) => written.get(shard.namePart) as BlobMetadata);
    }
    throw this.tooSlow("writing index blobs");
  }

  /**
   * Starts the next epoch when the current one is old and full enough (spec 1 §8.4.6), judged by the
   * last state. For the maintenance owner only.
   * @returns the new write epoch, or `undefined` when nothing was done.
   */
  async advanceIfDue(): Promise<number | undefined> {
    const next = this.planAdvance();
    if (next === undefined) return undefined;
    await this.storage.put(epochMarkerId(next), utf8Encode(EPOCH_MARKER_PAYLOAD));
    this.lastLoaded = undefined;
    this.invalidate();
    return next;
  }

  /** The epoch that `advanceIfDue` would start now. */
  planAdvance(): number | undefined {
    const state = this.lastLoaded;
    return state !== undefined && this.isAdvanceDue(state) ? state.writeEpoch + 1 : undefined;
  }

  private get refreshFrequencyNs(): bigint {
    return BigInt(this.parameters.epochRefreshFrequencyNs);
  }

  private isAdvanceDue(state: CommittedState): boolean {
    const blobs = state.uncompacted.get(state.writeEpoch) as readonly BlobMetadata[];
    let earliest: TimeNs | undefined;
    let latest: TimeNs | undefined;
    let totalBytes = 0;
    for (const { timestamp, lengthBytes } of blobs) {
      if (earliest === undefined || timestamp < earliest) earliest = timestamp;
      if (latest === undefined || timestamp > latest) latest = timestamp;
      totalBytes += lengthBytes;
    }
    if (earliest === undefined || latest === undefined) return false;
    const { parameters } = this;
    const isOld = latest - earliest >= BigInt(parameters.minEpochDurationNs);
    const isFull =
      blobs.length >= parameters.epochAdvanceOnCountThreshold ||
      totalBytes >= parameters.epochAdvanceOnTotalSizeBytesThreshold;
    return isOld && isFull;
  }

  /** Puts what is not yet written; false when the state expired on the way. */
  private async putShards(
    shards: readonly NamedIndexShard[],
    state: CommittedState,
    written: Map<string, BlobMetadata>,
  ): Promise<boolean> {
    for (const { namePart, data } of shards) {
      if (written.has(namePart)) continue;
      if (this.clock.now() >= state.validUntil) return false;
      const id = uncompactedPrefix(state.writeEpoch) + namePart;
      written.set(namePart, await this.storage.put(id, data));
    }
    return true;
  }

  private async deleteAll(written: Map<string, BlobMetadata>): Promise<void> {
    for (const { id } of written.values()) await this.storage.delete(id);
    written.clear();
  }

  private async readValidState(): Promise<CommittedState> {
    let pauseMs = FIRST_PAUSE_MS;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const validUntil = this.clock.now() + this.refreshFrequencyNs;
      const state = await readCommittedState(this.storage, validUntil);
      if (this.clock.now() < validUntil) return state;
      await this.clock.sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 1.5, MAX_PAUSE_MS);
    }
    throw this.tooSlow("reading the epochs");
  }

  private tooSlow(what: string): KopiaError {
    const limitMs = Number(this.refreshFrequencyNs / NS_PER_MS);
    return new KopiaError(
      "EPOCH_EXPIRED",
      `${what} took longer than the ${limitMs} ms that a look at the epochs stays valid, ${MAX_ATTEMPTS} times`,
      { details: { attempts: MAX_ATTEMPTS, limitMs } },
    );
  }

  private leftBehind(epoch: number, writeEpoch: number): KopiaError {
    return new KopiaError(
      "EPOCH_EXPIRED",
      `index blobs were written into epoch ${epoch}, but the repository is at epoch ${writeEpoch} already; they were removed again`,
      { details: { epoch, writeEpoch } },
    );
  }
}
