import type { LocalEntry } from "../fs/local-directory.ts";
import type { DirectoryEntry, DirectoryListing } from "../model/directory-entry.ts";

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
