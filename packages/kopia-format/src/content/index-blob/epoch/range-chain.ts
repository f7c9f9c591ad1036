import type { BlobMetadata } from "../../../blob/storage.ts";
import type { EpochRange } from "./epoch-names.ts";

/** A complete range compaction. */
export interface RangeCompaction extends EpochRange {
  readonly blobs: readonly BlobMetadata[];
}

interface Chain {
  readonly previous: Chain | undefined;
  readonly range: RangeCompaction;
  readonly length: number;
}

/**
 * The longest chain of ranges that starts at epoch 0 without gaps or overlaps; of chains with the same
 * end the one with fewer ranges (spec 1 §8.4.3). Empty when there is none that goes beyond epoch 0.
 */
export function longestRangeChain(ranges: readonly RangeCompaction[]): RangeCompaction[] {
  const byStart = ranges.toSorted((a, b) => a.firstEpoch - b.firstEpoch);
  // Best chain by its end. Chains that end before a range starts are final when its turn comes.
  const chains = new Map<number, Chain>();
  for (const range of byStart) {
    const previous = chains.get(range.firstEpoch - 1);
    if (range.firstEpoch !== 0 && previous === undefined) continue;
    const length = (previous?.length ?? 0) + 1;
    const present = chains.get(range.lastEpoch);
    if (present === undefined || length < present.length) {
      chains.set(range.lastEpoch, { previous, range, length });
    }
  }
  let end = 0;
  for (const chainEnd of chains.keys()) end = Math.max(end, chainEnd);
  const chain: RangeCompaction[] = [];
  if (end === 0) return chain;
  for (let link = chains.get(end); link !== undefined; link = link.previous) chain.push(link.range);
  return chain.reverse();
}
