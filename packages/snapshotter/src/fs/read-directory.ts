import type { ObjectStore } from "@kopia-engine/kopia-format";
import { decodeDirectory } from "../model/directory-codec.ts";
import type { DirectoryEntry, DirectoryListing } from "../model/directory-entry.ts";

/**
 * Reads and decodes a stored directory exactly as stored.
 * @throws KopiaError `DIRECTORY_CORRUPT`, `OBJECT_NOT_FOUND` and those of `ObjectStore.readObject`.
 */
export async function readDirectory(
  objects: ObjectStore,
  objectId: string,
): Promise<DirectoryListing> {
  return decodeDirectory(await readListing(objects, objectId), objectId);
}

/** The bytes of a stored directory. @throws as `ObjectStore.readObject`. */
export async function readListing(objects: ObjectStore, objectId: string): Promise<Uint8Array> {
  return objects.readObject(objectId);
}

/** A directory as restores and listings see it. */
export interface RestoreListing extends DirectoryListing {
  /** Names that several entries have; only the last of each is in `entries` (spec 2 §6.5). */
  readonly duplicates: readonly string[];
}

/**
 * Reads a directory as restores, listings and migrations see it: each sub-directory with a summary
 * has `sizeBytes` and `modTime` replaced by the summary's size and newest time (spec 2 §10.2), and
 * later duplicates of a name replace earlier ones; `duplicates` names them.
 * @throws as `readDirectory`.
 */
export async function readDirectoryForRestore(
  objects: ObjectStore,
  objectId: string,
): Promise<RestoreListing> {
  const listing = await readDirectory(objects, objectId);
  const byName = new Map<string, DirectoryEntry>();
  const duplicates = new Set<string>();
  for (const entry of listing.entries) {
    if (byName.has(entry.name)) duplicates.add(entry.name);
    byName.set(entry.name, withSummaryAttributes(entry));
  }
  return { ...listing, entries: [...byName.values()], duplicates: [...duplicates] };
}

/** The entry as it appears when its parent is loaded: a directory takes size and time of its summary (spec 2 §10.2). */
export function withSummaryAttributes(entry: DirectoryEntry): DirectoryEntry {
  if (entry.type !== "d" || entry.summary === undefined) return entry;
  const { totalFileSizeBytes, maxModTime } = entry.summary;
  return { ...entry, sizeBytes: totalFileSizeBytes, modTime: maxModTime };
}
