import type { JsonInput, Repository } from "@kopia-engine/kopia-format";
import { readDirectory, type DirectoryEntry } from "@kopia-engine/snapshotter";

/** What snapshots need in storage (spec 2 §5.4). */
export interface StorageUsage {
  readonly objectBytes: bigint;
  readonly originalContentBytes: number;
  readonly packedContentBytes: number;
  readonly fileObjects: number;
  readonly dirObjects: number;
  readonly contents: number;
}

/** What one snapshot adds, and the sum up to it. */
export interface StorageStats {
  readonly newData: StorageUsage;
  readonly runningTotal: StorageUsage;
}

const NOTHING: StorageUsage = {
  objectBytes: 0n,
  originalContentBytes: 0,
  packedContentBytes: 0,
  fileObjects: 0,
  dirObjects: 0,
  contents: 0,
};

/** Walks snapshots in the order of the list; what was seen before counts for the earlier one. */
export class StorageStatsCounter {
  readonly #repository: Repository;
  readonly #seenObjects = new Set<string>();
  readonly #seenContents = new Set<string>();
  #total: StorageUsage = NOTHING;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** Adds the tree of the next snapshot. @throws KopiaError of reading it. */
  async add(root: DirectoryEntry): Promise<StorageStats> {
    const added = { ...NOTHING };
    const pending: DirectoryEntry[] = [root];
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      if (entry.objectId === "" || this.#seenObjects.has(entry.objectId)) continue;
      this.#seenObjects.add(entry.objectId);
      const isDirectory = entry.type === "d";
      if (isDirectory) added.dirObjects++;
      else {
        added.fileObjects++;
        added.objectBytes += entry.sizeBytes;
      }
      await this.#addContents(entry, added);
      if (isDirectory) {
        const listing = await readDirectory(this.#repository.objects, entry.objectId);
        pending.push(...listing.entries);
      }
    }
    this.#total = sum(this.#total, added);
    return { newData: added, runningTotal: this.#total };
  }

  async #addContents(
    entry: DirectoryEntry,
    added: { -readonly [K in keyof StorageUsage]: StorageUsage[K] },
  ): Promise<void> {
    for (const id of await this.#repository.objects.verifyObject(entry.objectId)) {
      if (this.#seenContents.has(id)) continue;
      this.#seenContents.add(id);
      added.contents++;
      if (entry.type === "d") continue;
      const content = this.#repository.contents.getContentInfo(id);
      added.originalContentBytes += content?.originalLength ?? 0;
      added.packedContentBytes += content?.packedLength ?? 0;
    }
  }
}

/** As it stands in `snapshot list --json --storage-stats`. */
export function storageStatsJson(stats: StorageStats): JsonInput {
  return { newData: { ...stats.newData }, runningTotal: { ...stats.runningTotal } };
}

function sum(a: StorageUsage, b: StorageUsage): StorageUsage {
  return {
    objectBytes: a.objectBytes + b.objectBytes,
    originalContentBytes: a.originalContentBytes + b.originalContentBytes,
    packedContentBytes: a.packedContentBytes + b.packedContentBytes,
    fileObjects: a.fileObjects + b.fileObjects,
    dirObjects: a.dirObjects + b.dirObjects,
    contents: a.contents + b.contents,
  };
}
