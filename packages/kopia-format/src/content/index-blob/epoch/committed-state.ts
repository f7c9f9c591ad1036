import type { TimeNs } from "../../../base/clock.ts";
import type { BlobMetadata, BlobStorage } from "../../../blob/storage.ts";
import { firstCompleteSet } from "./complete-set.ts";
import {
  EPOCH_PREFIX,
  parseEpoch,
  parseEpochRange,
  parseWatermark,
  uncompactedPrefix,
} from "./epoch-names.ts";
import { longestRangeChain, type RangeCompaction } from "./range-chain.ts";

/** What one look at the storage says about epochs (spec 1 §8.4.3). */
export interface CommittedState {
  /** Epoch that writers write into. */
  readonly writeEpoch: number;
  /** Deletion watermark in Unix seconds; 0 when there is none. */
  readonly watermarkSeconds: number;
  /** Complete compactions of single epochs, by epoch. */
  readonly singleEpochs: ReadonlyMap<number, readonly BlobMetadata[]>;
  /** Chain of range compactions that starts at epoch 0. */
  readonly rangeChain: readonly RangeCompaction[];
  /** Uncompacted index blobs of the write epoch and its neighbours, by epoch. */
  readonly uncompacted: ReadonlyMap<number, readonly BlobMetadata[]>;
  /** The state must not be used at or after this time. */
  readonly validUntil: TimeNs;
}

/** An epoch this far behind the write epoch is settled: nobody writes into it any more (spec 1 §8.4). */
export const UNSETTLED_EPOCHS = 2;

/** Whether nobody writes into an epoch any more. */
export function isSettled(epoch: number, writeEpoch: number): boolean {
  return epoch <= writeEpoch - UNSETTLED_EPOCHS;
}

/** First epoch that the chain of range compactions does not cover. */
export function firstEpochAfterChain(state: CommittedState): number {
  const last = state.rangeChain.at(-1);
  return last === undefined ? 0 : last.lastEpoch + 1;
}

/** Lists the storage for a state. The caller checks that this did not take longer than it stays valid. */
export async function readCommittedState(
  storage: BlobStorage,
  validUntil: TimeNs,
): Promise<CommittedState> {
  const [markers, watermarks, singles, ranges] = await Promise.all([
    listBlobs(storage, EPOCH_PREFIX.marker),
    listBlobs(storage, EPOCH_PREFIX.watermark),
    listBlobs(storage, EPOCH_PREFIX.singleEpoch),
    listBlobs(storage, EPOCH_PREFIX.range),
  ]);
  const writeEpoch = largest(markers, parseEpoch);
  // The write epoch must be known first: its blobs are listed by its number.
  const epochs = [writeEpoch - 1, writeEpoch, writeEpoch + 1].filter((epoch) => epoch >= 0);
  const uncompacted = await Promise.all(
    epochs.map(async (epoch) => {
      const blobs = await listBlobs(storage, uncompactedPrefix(epoch));
      return [epoch, blobs] as const;
    }),
  );
  return {
    writeEpoch,
    watermarkSeconds: largest(watermarks, parseWatermark),
    singleEpochs: completeSingleEpochs(singles),
    rangeChain: longestRangeChain(completeRanges(ranges)),
    uncompacted: new Map(uncompacted),
    validUntil,
  };
}

/** All blobs of a prefix, by ID: listings promise no order, and sets must be chosen alike each time. */
export async function listBlobs(storage: BlobStorage, prefix: string): Promise<BlobMetadata[]> {
  const blobs: BlobMetadata[] = [];
  for await (const blob of storage.list(prefix)) blobs.push(blob);
  return blobs.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function largest(
  blobs: readonly BlobMetadata[],
  parse: (id: string) => number | undefined,
): number {
  let found = 0;
  for (const blob of blobs) found = Math.max(found, parse(blob.id) ?? 0);
  return found;
}

function completeSingleEpochs(
  blobs: readonly BlobMetadata[],
): Map<number, readonly BlobMetadata[]> {
  const complete = new Map<number, readonly BlobMetadata[]>();
  for (const [epoch, members] of Map.groupBy(blobs, (blob) => parseEpoch(blob.id))) {
    const set = firstCompleteSet(members);
    if (epoch !== undefined && set !== undefined) complete.set(epoch, set);
  }
  return complete;
}

function completeRanges(blobs: readonly BlobMetadata[]): RangeCompaction[] {
  const keyOf = (blob: BlobMetadata): string | undefined => {
    const range = parseEpochRange(blob.id);
    return range === undefined ? undefined : `${range.firstEpoch}_${range.lastEpoch}`;
  };
  const complete: RangeCompaction[] = [];
  for (const [key, members] of Map.groupBy(blobs, keyOf)) {
    const range = parseEpochRange((members[0] as BlobMetadata).id);
    const set = firstCompleteSet(members);
    if (key !== undefined && range !== undefined && set !== undefined) {
      complete.push({ ...range, blobs: set });
    }
  }
  return complete;
}
