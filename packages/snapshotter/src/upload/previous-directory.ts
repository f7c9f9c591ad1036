import type { LocalEntry } from "../fs/local-directory.ts";
import type {
  DirectoryEntry,
  DirectoryListing,
  DirectorySummary,
} from "../model/directory-entry.ts";

const REPLACEMENT = "\ufffd";

/**
 * A directory of a previous snapshot, to be asked for names in the order of the local listing. As long
 * as nothing was added or removed the answers come from walking along both lists; then a map is made.
 */
export class PreviousDirectory {
  readonly objectId: string;
  readonly listing: DirectoryListing;
  #nextDirectory = 0;
  #nextOther: number;
  #byName: Map<string, DirectoryEntry> | undefined;

  constructor(objectId: string, listing: DirectoryListing) {
    this.objectId = objectId;
    this.listing = listing;
    // Directories come first (spec 2 §6.6).
    this.#nextOther = listing.entries.findIndex((entry) => entry.type !== "d");
    if (this.#nextOther < 0) this.#nextOther = listing.entries.length;
  }

  /** The entry of that name; of duplicates the last, as Kopia loads them (spec 2 §6.5). */
  find(name: string, isDirectory: boolean): DirectoryEntry | undefined {
    if (this.#byName === undefined) {
      const next = isDirectory ? this.#nextDirectory : this.#nextOther;
      const candidate = this.listing.entries[next];
      // Only names with replacement characters can be duplicates of each other.
      if (candidate?.name === name && !name.includes(REPLACEMENT)) {
        if (isDirectory) this.#nextDirectory++;
        else this.#nextOther++;
        return candidate;
      }
      this.#byName = new Map(this.listing.entries.map((entry) => [entry.name, entry]));
    }
    return this.#byName.get(name);
  }
}

/** Whether a stored entry may stand for a local file or link: everything but the content's own bytes agrees (spec 2 §7.3). */
export function isUnchanged(local: LocalEntry, previous: DirectoryEntry): boolean {
  return (
    previous.modTime === local.modTime &&
    previous.sizeBytes === BigInt(local.sizeBytes) &&
    previous.type === local.kind &&
    previous.mode === local.mode &&
    previous.uid === local.uid &&
    previous.gid === local.gid &&
    previous.objectId !== "" &&
    previous.summary === undefined
  );
}

/** Whether two listings say the same in the same order; ones with errors or odd names never count as the same. */
export function isSameListing(a: Required<DirectoryListing>, b: DirectoryListing): boolean {
  if (a.entries.length !== b.entries.length || !isSameSummary(a.summary, b.summary)) return false;
  return a.entries.every((entry, i) => {
    const other = b.entries[i] as DirectoryEntry;
    // Files that were taken over are the very objects.
    return entry === other || isSameDirectory(entry, other);
  });
}

function isSameDirectory(a: DirectoryEntry, b: DirectoryEntry): boolean {
  return (
    a.type === "d" &&
    b.type === "d" &&
    a.nameBytes === undefined &&
    a.name === b.name &&
    a.objectId === b.objectId &&
    a.modTime === b.modTime &&
    a.mode === b.mode &&
    a.sizeBytes === b.sizeBytes &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.summary !== undefined &&
    isSameSummary(a.summary, b.summary)
  );
}

function isSameSummary(a: DirectorySummary, b: DirectorySummary | undefined): boolean {
  return (
    b !== undefined &&
    a.incomplete === undefined &&
    b.incomplete === undefined &&
    a.failedEntries.length === 0 &&
    b.failedEntries.length === 0 &&
    a.totalFileSizeBytes === b.totalFileSizeBytes &&
    a.fileCount === b.fileCount &&
    a.symlinkCount === b.symlinkCount &&
    a.directoryCount === b.directoryCount &&
    a.maxModTime === b.maxModTime &&
    a.fatalErrorCount === b.fatalErrorCount &&
    a.ignoredErrorCount === b.ignoredErrorCount
  );
}
