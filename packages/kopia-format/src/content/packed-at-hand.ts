import type { BlobId } from "../blob/storage.ts";
import type { ContentEntry } from "./content-entry.ts";

/** Stored bytes of a content that were read already, and where; used only while the content still lies there. */
export interface PackedAtHand {
  readonly packBlobId: BlobId;
  readonly packOffset: number;
  readonly bytes: Uint8Array;
}

/** The stored bytes of an entry, when they are those at hand. */
export function packedAtHand(
  entry: ContentEntry,
  atHand: PackedAtHand | undefined,
): Uint8Array | undefined {
  const isThere =
    atHand?.packBlobId === entry.packBlobId &&
    atHand.packOffset === entry.packOffset &&
    atHand.bytes.length === entry.packedLength;
  return isThere ? atHand.bytes : undefined;
}
