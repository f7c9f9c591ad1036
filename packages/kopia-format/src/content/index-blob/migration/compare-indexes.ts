import type { BlobMetadata } from "../../../blob/storage.ts";
import type { ContentId } from "../../content-entry.ts";
import { CommittedIndex } from "../../index/committed-index.ts";
import { entryWins, rankOf } from "../../index/entry-order.ts";
import {
  compactIndexBlobs,
  isRepresented,
  readIndexes,
  type CompactionContext,
} from "../epoch/compaction.ts";
import type { EpochManager } from "../epoch/epoch-manager.ts";
import { uncompactedPrefix } from "../epoch/epoch-names.ts";
import { listOldIndexBlobs } from "./migrate-to-epochs.ts";

/** Content IDs that a comparison names at most. */
const MAX_NAMED_CONTENTS = 100;

/** What a comparison of the two schemes found. */
export interface IndexComparison {
  /** Index blobs of the older scheme. */
  readonly oldBlobCount: number;
  /** Entries in them, of which every one must be in the epochs, or a later one of its content. */
  readonly entryCount: number;
  readonly missingCount: number;
  /** The first contents that the epochs do not know, or know only an older entry of. */
  readonly missing: readonly ContentId[];
  /** Index blobs of the older scheme that hold them. */
  readonly lateBlobs: readonly BlobMetadata[];
}

/**
 * Compares the index of the older scheme with that of the epochs.
 * @throws KopiaError `INDEX_CORRUPT`, `EPOCH_EXPIRED`, and storage errors.
 */
export async function compareIndexes(
  context: Pick<CompactionContext, "storage" | "crypto">,
  epochs: EpochManager,
): Promise<IndexComparison> {
  const oldBlobs = await listOldIndexBlobs(context);
  if (oldBlobs.length === 0)
    return { oldBlobCount: 0, entryCount: 0, missingCount: 0, missing: [], lateBlobs: [] };
  const index = new CommittedIndex();
  index.add(await readIndexes(context, (await epochs.activeIndexBlobs()).blobs));
  const missing: ContentId[] = [];
  const lateBlobs: BlobMetadata[] = [];
  let entryCount = 0;
  let missingCount = 0;
  for (const [i, reader] of (await readIndexes(context, oldBlobs)).entries()) {
    entryCount += reader.entryCount;
    if (isRepresented(reader, index)) continue;
    lateBlobs.push(oldBlobs[i] as BlobMetadata);
    for (let position = 0; position < reader.entryCount; position++) {
      const id = reader.contentIdAt(position);
      const found = index.lookup(id);
      if (found !== undefined && !entryWins(rankOf(reader, position), found)) continue;
      missingCount++;
      if (missing.length < MAX_NAMED_CONTENTS) missing.push(id);
    }
  }
  return { oldBlobCount: oldBlobs.length, entryCount, missingCount, missing, lateBlobs };
}

/**
 * Brings index blobs that others wrote in the older scheme after the switch into the epochs: their
 * contents would stay unknown otherwise.
 * @returns the blobs that were brought in.
 * @throws KopiaError as `compactIndexBlobs` and `compareIndexes`.
 */
export async function migrateLateBlobs(
  context: CompactionContext,
  epochs: EpochManager,
): Promise<readonly BlobMetadata[]> {
  const { lateBlobs } = await compareIndexes(context, epochs);
  if (lateBlobs.length === 0) return [];
  const { writeEpoch } = await epochs.currentState();
  const lateIds = new Set(lateBlobs.map(({ id }) => id));
  await compactIndexBlobs(context, {
    prefix: uncompactedPrefix(writeEpoch),
    inputs: lateBlobs,
    listInputsAgain: async () =>
      (await listOldIndexBlobs(context)).map(({ id }) => id).filter((id) => lateIds.has(id)),
  });
  epochs.invalidate();
  return lateBlobs;
}
