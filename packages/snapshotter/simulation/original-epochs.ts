import type { BlobMetadata, BlobStorage } from "@kopia-engine/kopia-format";
import {
  firstCompleteSet,
  longestRangeChain,
  parseEpoch,
  parseEpochRange,
  parseWatermark,
} from "@kopia-engine/kopia-format/testing";

/** What a look at the storage says about epochs (spec 1 §8.4.3), written down a second time. */
export interface EpochView {
  readonly writeEpoch: number;
  readonly watermarkSeconds: number;
  readonly singles: ReadonlyMap<number, readonly BlobMetadata[]>;
  /** Last epoch of the chain of ranges; -1 without one. */
  readonly chainEnd: number;
  /** All `xn` blobs by epoch. */
  readonly uncompacted: ReadonlyMap<number, readonly BlobMetadata[]>;
  /** Newest `xn` of the write epoch and its neighbours: the storage's idea of now. */
  readonly newest: bigint | undefined;
}

/** Lists all blobs of a prefix by ID. */
export async function listSorted(storage: BlobStorage, prefix: string): Promise<BlobMetadata[]> {
  const blobs: BlobMetadata[] = [];
  for await (const blob of storage.list(prefix)) blobs.push(blob);
  return blobs.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Reads the state of the epochs. */
export async function viewEpochs(storage: BlobStorage): Promise<EpochView> {
  const numbers = (blobs: readonly BlobMetadata[], parse: (id: string) => number | undefined) =>
    blobs.map(({ id }) => parse(id) ?? 0);
  const writeEpoch = Math.max(0, ...numbers(await listSorted(storage, "xe"), parseEpoch));
  const watermarkSeconds = Math.max(0, ...numbers(await listSorted(storage, "xw"), parseWatermark));
  const singles = new Map<number, readonly BlobMetadata[]>();
  for (const [epoch, blobs] of byEpoch(await listSorted(storage, "xs"))) {
    const set = firstCompleteSet(blobs);
    if (set !== undefined) singles.set(epoch, set);
  }
  const ranges = Map.groupBy(await listSorted(storage, "xr"), ({ id }) => id.split("_", 2).join());
  const complete = [...ranges.values()].flatMap((blobs) => {
    const range = parseEpochRange(blobs[0]?.id ?? "");
    const set = firstCompleteSet(blobs);
    return range === undefined || set === undefined ? [] : [{ ...range, blobs: set }];
  });
  const uncompacted = byEpoch(await listSorted(storage, "xn"));
  const recent = [-1, 0, 1].flatMap((offset) => uncompacted.get(writeEpoch + offset) ?? []);
  return {
    writeEpoch,
    watermarkSeconds,
    singles,
    chainEnd: longestRangeChain(complete).at(-1)?.lastEpoch ?? -1,
    uncompacted,
    newest: recent.reduce<bigint | undefined>(
      (max, { timestamp }) => (max === undefined || timestamp > max ? timestamp : max),
      undefined,
    ),
  };
}

function byEpoch(blobs: readonly BlobMetadata[]): Map<number, BlobMetadata[]> {
  const groups = new Map<number, BlobMetadata[]>();
  for (const blob of blobs) {
    const epoch = parseEpoch(blob.id);
    if (epoch === undefined) continue;
    const group = groups.get(epoch);
    if (group === undefined) groups.set(epoch, [blob]);
    else group.push(blob);
  }
  return groups;
}
