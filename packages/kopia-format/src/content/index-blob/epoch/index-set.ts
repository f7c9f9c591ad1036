import type { BlobMetadata, BlobStorage } from "../../../blob/storage.ts";
import { isSettled, listBlobs, type CommittedState } from "./committed-state.ts";
import { EPOCH_PREFIX, uncompactedPrefix, parseEpoch, type EpochRange } from "./epoch-names.ts";

/**
 * The complete index set of some epochs (spec 1 §8.4.4): range compactions, then single-epoch ones,
 * then whatever is not compacted. Incomplete flushes are part of it: a reader sees each shard as it
 * appears. The caller checks that the state is still valid afterwards.
 */
export async function collectIndexSet(
  storage: BlobStorage,
  state: CommittedState,
  epochs: EpochRange,
): Promise<BlobMetadata[]> {
  const blobs: BlobMetadata[] = [];
  let start = epochs.firstEpoch;
  for (const range of state.rangeChain) {
    if (range.lastEpoch < start || range.firstEpoch > epochs.lastEpoch) continue;
    blobs.push(...range.blobs);
    start = range.lastEpoch + 1;
  }
  const rest = { firstEpoch: start, lastEpoch: epochs.lastEpoch };
  const compacted = new Set<number>();
  for (const [epoch, set] of state.singleEpochs) {
    if (!isIn(epoch, rest) || !isSettled(epoch, state.writeEpoch)) continue;
    compacted.add(epoch);
    blobs.push(...set);
  }
  for (const [epoch, members] of await uncompactedOf(storage, state, rest, compacted.size)) {
    if (isIn(epoch, rest) && !compacted.has(epoch)) blobs.push(...members);
  }
  return blobs;
}

/**
 * Uncompacted blobs by epoch. The state knows the epochs around the write epoch; older ones without a
 * compaction are found with one listing of all, since epoch numbers come from blob names and may be anything.
 */
async function uncompactedOf(
  storage: BlobStorage,
  state: CommittedState,
  epochs: EpochRange,
  compactedCount: number,
): Promise<ReadonlyMap<number, readonly BlobMetadata[]>> {
  const firstKnown = state.writeEpoch - 1;
  const olderCount = Math.min(firstKnown, epochs.lastEpoch + 1) - epochs.firstEpoch;
  if (olderCount <= compactedCount) return state.uncompacted;
  const all = new Map<number, BlobMetadata[]>();
  for (const blob of await listBlobs(storage, EPOCH_PREFIX.uncompacted)) {
    const epoch = parseEpoch(blob.id);
    if (epoch === undefined || !blob.id.startsWith(uncompactedPrefix(epoch))) continue;
    const members = all.get(epoch);
    if (members === undefined) all.set(epoch, [blob]);
    else members.push(blob);
  }
  return all;
}

function isIn(epoch: number, range: EpochRange): boolean {
  return epoch >= range.firstEpoch && epoch <= range.lastEpoch;
}
