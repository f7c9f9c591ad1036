import type { ObjectStore } from "@kopia-engine/kopia-format";
import { readDirectoryForRestore } from "../fs/read-directory.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";

/** Counters of one kind of entries, in the order in which `diff` prints them. */
export interface DiffCounts {
  added: number;
  removed: number;
  /** Differences: one for attributes, one for contents. */
  modified: number;
  sameContentButDifferentMetadata: number;
  sameContentButDifferentMode: number;
  sameContentButDifferentModificationTime: number;
  sameContentButDifferentUserOwner: number;
  sameContentButDifferentGroupOwner: number;
}

/** Outcome of a comparison. */
export interface DiffStats {
  readonly fileEntries: DiffCounts;
  readonly directoryEntries: DiffCounts;
}

/** One attribute that differs. */
export type DiffAttribute =
  | "modes"
  | "sizes"
  | "modification times"
  | "owner users"
  | "owner groups";

/** Told what differs. Paths begin with `.`; entries come in the stored order of the second tree, removed ones last. */
export interface DiffObserver {
  attribute?(path: string, attribute: DiffAttribute, pair: DiffPair): void;
  added?(path: string, entry: DirectoryEntry): void | Promise<void>;
  removed?(path: string, entry: DirectoryEntry): void | Promise<void>;
  changed?(path: string, pair: DiffPair): void | Promise<void>;
  changedType?(path: string, pair: DiffPair): void;
}

/** The same name in both trees. */
export interface DiffPair {
  readonly first: DirectoryEntry;
  readonly second: DirectoryEntry;
}

/** What is compared. */
export interface CompareTreesOptions {
  readonly objects: ObjectStore;
  readonly first: DirectoryEntry;
  readonly second: DirectoryEntry;
  readonly observer?: DiffObserver;
  readonly signal?: AbortSignal;
}

/**
 * Compares two directories as Kopia's `diff` does. What has the same object ID is not read: sub-trees that
 * are equal cost nothing.
 * @throws KopiaError of reading directories; the signal's reason when aborted.
 */
export async function compareTrees(options: CompareTreesOptions): Promise<DiffStats> {
  const comparison = new TreeComparison(options);
  await comparison.comparePair(".", { first: options.first, second: options.second });
  return comparison.stats;
}

class TreeComparison {
  readonly stats: DiffStats = { fileEntries: noCounts(), directoryEntries: noCounts() };
  readonly #objects: ObjectStore;
  readonly #observer: DiffObserver;
  readonly #signal: AbortSignal | undefined;

  constructor({ objects, observer = {}, signal }: CompareTreesOptions) {
    this.#objects = objects;
    this.#observer = observer;
    this.#signal = signal;
  }

  async comparePair(path: string, pair: DiffPair): Promise<void> {
    this.#signal?.throwIfAborted();
    const { first, second } = pair;
    if (first.objectId === second.objectId) return this.#compareMetadata(pair);
    const areDirectories = first.type === "d" && second.type === "d";
    if (this.#compareAttributes(path, pair) && first.type === second.type)
      this.#countsOf(second).modified++;
    if (areDirectories) return await this.#compareDirectories(path, pair);
    if (first.type === "d" || second.type === "d") {
      this.stats.fileEntries.modified++;
      this.#observer.changedType?.(path, pair);
    } else if (first.type === "f" && second.type === "f") {
      this.stats.fileEntries.modified++;
      await this.#observer.changed?.(path, pair);
    }
  }

  async #compareDirectories(path: string, { first, second }: DiffPair): Promise<void> {
    const before = await readDirectoryForRestore(this.#objects, first.objectId);
    const after = await readDirectoryForRestore(this.#objects, second.objectId);
    const earlier = new Map(before.entries.map((entry) => [entry.name, entry]));
    for (const entry of after.entries) {
      const other = earlier.get(entry.name);
      earlier.delete(entry.name);
      if (other === undefined) await this.#visit(`${path}/${entry.name}`, entry, "added");
      else await this.comparePair(`${path}/${entry.name}`, { first: other, second: entry });
    }
    for (const entry of earlier.values())
      await this.#visit(`${path}/${entry.name}`, entry, "removed");
  }

  /** An entry that one tree has alone, with everything below it. */
  async #visit(path: string, entry: DirectoryEntry, kind: "added" | "removed"): Promise<void> {
    this.#signal?.throwIfAborted();
    this.#countsOf(entry)[kind]++;
    await this.#observer[kind]?.(path, entry);
    if (entry.type !== "d") return;
    const { entries } = await readDirectoryForRestore(this.#objects, entry.objectId);
    for (const child of entries) await this.#visit(`${path}/${child.name}`, child, kind);
  }

  /** Tells of every attribute that differs. */
  #compareAttributes(path: string, pair: DiffPair): boolean {
    const { first, second } = pair;
    const differing: DiffAttribute[] = [];
    if (first.mode !== second.mode || (first.type === "d") !== (second.type === "d"))
      differing.push("modes");
    if (first.sizeBytes !== second.sizeBytes) differing.push("sizes");
    if (first.modTime !== second.modTime) differing.push("modification times");
    if (first.uid !== second.uid) differing.push("owner users");
    if (first.gid !== second.gid) differing.push("owner groups");
    for (const attribute of differing) this.#observer.attribute?.(path, attribute, pair);
    return differing.length > 0;
  }

  #compareMetadata({ first, second }: DiffPair): void {
    const counts = this.#countsOf(second);
    const hasMode = first.mode !== second.mode;
    const hasTime = first.modTime !== second.modTime;
    const hasUser = first.uid !== second.uid;
    const hasGroup = first.gid !== second.gid;
    if (hasMode || hasTime || hasUser || hasGroup) counts.sameContentButDifferentMetadata++;
    if (hasMode) counts.sameContentButDifferentMode++;
    if (hasTime) counts.sameContentButDifferentModificationTime++;
    if (hasUser) counts.sameContentButDifferentUserOwner++;
    if (hasGroup) counts.sameContentButDifferentGroupOwner++;
  }

  #countsOf({ type }: DirectoryEntry): DiffCounts {
    return type === "d" ? this.stats.directoryEntries : this.stats.fileEntries;
  }
}

function noCounts(): DiffCounts {
  return {
    added: 0,
    removed: 0,
    modified: 0,
    sameContentButDifferentMetadata: 0,
    sameContentButDifferentMode: 0,
    sameContentButDifferentModificationTime: 0,
    sameContentButDifferentUserOwner: 0,
    sameContentButDifferentGroupOwner: 0,
  };
}
