import { LocalIgnoreFiles } from "../fs/local-ignore-files.ts";
import {
  ListingError,
  type LocalEntry,
  type UnreadableEntry,
  readLocalEntry,
  readLocalNames,
} from "../fs/local-directory.ts";
import { joinLocalPath } from "../fs/local-path.ts";
import { readDirectory } from "../fs/read-directory.ts";
import { isKopiaError } from "@kopia-engine/kopia-format";
import {
  type DirectoryTask,
  type PendingDirectory,
  relativeBytesOf,
  relativePathOf,
} from "./directory-task.ts";
import { PreviousDirectory, isUnchanged } from "./previous-directory.ts";
import type { UploadRun } from "./upload-run.ts";

/** Names examined before the caller gets another turn. */
const NAMES_PER_SCAN = 256;
/** First letters of objects in several or compressed contents (spec 2 §2). */
const LETTER_I = 0x49;
const LETTER_Z = 0x5a;

/** Finds out what is in directories: what to leave out, to reuse, to upload, and to enter. */
export class DirectoryScanner {
  readonly #run: UploadRun;
  readonly #forceHashPercent: number;
  readonly #addFile: (task: DirectoryTask, local: LocalEntry) => boolean;

  constructor(options: {
    run: UploadRun;
    forceHashPercent: number;
    /** Takes a file or link that has to be read; false when it wants no more for now. */
    addFile: (task: DirectoryTask, local: LocalEntry) => boolean;
  }) {
    this.#run = options.run;
    this.#forceHashPercent = options.forceHashPercent;
    this.#addFile = options.addFile;
  }

  /** Examines some of the names of a directory that are still to be examined. */
  scan(task: DirectoryTask): void {
    const end = Math.min(task.names.length, task.nextName + NAMES_PER_SCAN);
    try {
      while (task.nextName < end) {
        const name = task.names[task.nextName++] as string;
        const entry = readLocalEntry(task.path, name);
        if (entry === undefined) continue;
        if ("error" in entry) this.#takeUnreadable(task, entry);
        else if (!this.#take(task, entry)) return;
      }
    } catch (error) {
      if (!(error instanceof ListingError)) throw error;
      task.listingError = error.message;
    }
  }

  /** Lists a sub-directory; `undefined` when that fails, which its parent then records (spec 2 §7.2). */
  async enter(
    parent: DirectoryTask,
    pending: PendingDirectory,
  ): Promise<DirectoryTask | undefined> {
    const { local } = pending;
    const node = parent.node.child(local.name);
    const path = joinLocalPath(parent.path, local);
    this.#run.counters.directoryCount++;
    try {
      const names = readLocalNames(path);
      const files = new LocalIgnoreFiles(path, names);
      const ignore = parent.ignore.enter(local.name, files, { device: local.device });
      const relativePath = relativePathOf(parent, local.name);
      const previous = await this.loadPrevious(pending.previousIds);
      const relativeBytes = relativeBytesOf(parent, local);
      const base = { parent, local, path, relativePath, node, ignore, previous, names };
      return this.createTask(relativeBytes === undefined ? base : { ...base, relativeBytes });
    } catch (error) {
      if (!isListingFailure(error)) throw error;
      const isIgnored = node.policy.errorHandling.ignoreDirectoryErrors === true;
      this.#run.fail(parent, local, { error: error.message, isIgnored });
      return undefined;
    }
  }

  /** A task for a directory whose names are known; a cache directory counts as empty (spec 2 §7.6 step 1). */
  createTask(
    base: Pick<
      DirectoryTask,
      | "parent"
      | "local"
      | "path"
      | "relativePath"
      | "relativeBytes"
      | "node"
      | "ignore"
      | "previous"
      | "names"
    >,
  ): DirectoryTask {
    const { isCacheDirectory } = base.ignore;
    if (isCacheDirectory) {
      this.#run.counters.excludedDirectoryCount++;
      this.#run.observer.excluded?.(base.relativePath, "d");
    }
    return {
      ...base,
      names: isCacheDirectory ? [] : base.names,
      unchanged: undefined,
      nextName: 0,
      directories: [],
      nextDirectory: 0,
      entries: [],
      failures: [],
      pendingCount: 0,
      isWalked: false,
      listingError: undefined,
      openChildren: new Set(),
    };
  }

  /** Listings of the same directory in previous snapshots. One that cannot be read is no help, and no error. */
  async loadPrevious(objectIds: readonly string[]): Promise<readonly PreviousDirectory[]> {
    if (objectIds.length === 0) return NO_PREVIOUS;
    const loaded: PreviousDirectory[] = [];
    for (const objectId of objectIds) {
      try {
        const listing = await readDirectory(this.#run.session.objects, objectId);
        loaded.push(new PreviousDirectory(objectId, listing));
      } catch (error) {
        if (!isKopiaError(error)) throw error;
      }
    }
    return loaded;
  }

  /** Sorts an entry in; false when the caller wants no more for now. */
  #take(task: DirectoryTask, local: LocalEntry): boolean {
    if (task.ignore.ignores(local)) {
      this.#exclude(task, local);
      return true;
    }
    switch (local.kind) {
      case "d":
        task.directories.push({ local, previousIds: previousIdsOf(task, local) });
        return true;
      case "other":
        this.#takeOther(task, local);
        return true;
      default:
        return this.#reuse(task, local) || this.#addFile(task, local);
    }
  }

  #exclude(task: DirectoryTask, local: LocalEntry): void {
    const { counters, observer } = this.#run;
    if (local.isDirectory) counters.excludedDirectoryCount++;
    else {
      counters.excludedFileCount++;
      counters.excludedBytes += local.sizeBytes;
    }
    if (observer.excluded === undefined || local.kind === "other") return;
    observer.excluded(relativePathOf(task, local.name), local.kind);
  }

  /** Devices, FIFOs, sockets: left out without a trace, or an error (spec 2 §7.5). */
  #takeOther(task: DirectoryTask, local: LocalEntry): void {
    const { errorHandling } = task.node.child(local.name).policy;
    if (errorHandling.ignoreUnknownTypes ?? true) return;
    const error = "unknown or unsupported entry type";
    this.#run.fail(task, local, { error, isIgnored: false });
  }

  #takeUnreadable(task: DirectoryTask, entry: UnreadableEntry): void {
    if (task.ignore.ignores({ name: entry.name, isDirectory: entry.isDirectory, sizeBytes: 0 }))
      return;
    const { errorHandling } = task.node.child(entry.name).policy;
    const isIgnored = entry.isDirectory
      ? errorHandling.ignoreDirectoryErrors === true
      : errorHandling.ignoreFileErrors === true;
    this.#run.fail(task, entry, { error: entry.error, isIgnored });
  }

  /** Takes the entry of a previous snapshot when the file is the same (spec 2 §7.3). */
  #reuse(task: DirectoryTask, local: LocalEntry): boolean {
    if (local.nameBytes !== undefined) return false;
    for (const previous of task.previous) {
      const entry = previous.find(local.name, false);
      if (entry === undefined || !isUnchanged(local, entry)) continue;
      if (this.#isHashForced() || !this.#isStored(entry.objectId)) return false;
      this.#run.counters.cachedFileCount++;
      this.#run.counters.cachedBytes += local.sizeBytes;
      task.entries.push(entry);
      return true;
    }
    return false;
  }

  /**
   * Whether the index still has the first content of the object. Where a part of the index was lost, the
   * file is read again and so heals, rather than carrying the loss into the new snapshot.
   */
  #isStored(objectId: string): boolean {
    const first = objectId.charCodeAt(0);
    const isPlain = first !== LETTER_I && first !== LETTER_Z;
    return this.#run.hasContent(isPlain ? objectId : objectId.replace(/^I*Z?/, ""));
  }

  #isHashForced(): boolean {
    const percent = this.#forceHashPercent;
    if (percent <= 0) return false;
    const [high = 0, low = 0] = this.#run.random(2);
    return ((high * 256 + low) / 65_536) * 100 < percent;
  }
}

/** Whether an error concerns this directory alone: it cannot be listed, or its ignore rules cannot be used. */
function isListingFailure(error: unknown): error is Error {
  if (error instanceof ListingError) return true;
  return isKopiaError(error, "IGNORE_PATTERN_INVALID") || isKopiaError(error, "LIMIT_EXCEEDED");
}

const NO_PREVIOUS: readonly PreviousDirectory[] = [];

function previousIdsOf(task: DirectoryTask, local: LocalEntry): readonly string[] {
  if (task.previous.length === 0 || local.nameBytes !== undefined) return [];
  const ids: string[] = [];
  for (const previous of task.previous) {
    const entry = previous.find(local.name, true);
    if (entry?.type === "d" && !ids.includes(entry.objectId)) ids.push(entry.objectId);
  }
  return ids;
}
