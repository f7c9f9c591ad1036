import type { BlobId } from "../../blob/storage.ts";
import type { IndexReader } from "./index-reader.ts";

/** What decides between two entries of one content. */
export interface EntryRank {
  readonly timestampSeconds: number;
  readonly deleted: boolean;
  readonly packBlobId: BlobId;
}

/**
 * Whether `candidate` wins over `present`, both of the same content (spec 1 §7.6): the later
 * timestamp, then the one that is not deleted, then the larger pack blob ID. Equal ranks: no.
 */
export function entryWins(candidate: EntryRank, present: EntryRank): boolean {
  if (candidate.timestampSeconds !== present.timestampSeconds) {
    return candidate.timestampSeconds > present.timestampSeconds;
  }
  if (candidate.deleted !== present.deleted) return present.deleted;
  return candidate.packBlobId > present.packBlobId;
}

/** Rank of an entry of an index. */
export function rankOf(reader: IndexReader, position: number): EntryRank {
  return {
    timestampSeconds: reader.timestampSecondsAt(position),
    deleted: reader.isDeletedAt(position),
    packBlobId: reader.packBlobIdAt(position),
  };
}
