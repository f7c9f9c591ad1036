import { LocalIgnoreFiles } from "../fs/local-ignore-files.ts";
import {
  ListingError,
  type LocalEntry,
  type UnreadableEntry,
  readLocalEntry,
  readLocalNames,
} from "../fs/local-directory.ts";
import { ListedDirectory, type ListingColumns, listColumns } from "../fs/listed-directory.ts";
import { joinLocalPath } from "../fs/local-path.ts";
import { readDirectory, readListing } from "../fs/read-directory.ts";
import { decodeDirectory } from "../model/directory-codec.ts";
import { isKopiaError } from "@kopia-engine/kopia-format";
import { type IgnoreContext, enterRoot } from "../policy/ignore-context.ts";
import { ActionError } from "./action-error.ts";
import type { ActionSpan } from "./action-span.ts";
import type { DirectoryExaminer } from "./directory-examiner.ts";
import {
  type AwayDirectory,
  type DirectoryTask,
  type PendingDirectory,
  relativeBytesOf,
  relativePathOf,
  toDirectoryEntry,
} from "./directory-task.ts";
import { type MatchedListing, matchListing } from "./match-listing.ts";
import { PreviousDirectory, isUnchanged } from "./previous-directory.ts";
import { isPlaceholder } from "../fs/placeholder.ts";
import { takePlaceholder } from "./take-placeholder.ts";
import { nameBehindPlaceholder } from "../fs/placeholder.ts";
import type { UploadRun } from "./upload-run.ts";

/** Larger directories are examined when they are entered, a part at a time: what is known of all would be large. */
const MAX_AWAY_FILES = 2 ** 13;
/** Names examined before the caller gets another turn. */
const NAMES_PER_SCAN = 256;
/** First letters of objects in several or compressed contents (spec 2 §2). */
const LETTER_I = 0x49;
const LETTER_Z = 0x5a;

/** Finds out what is in directories: what to leave out, to reuse, to upload, and to enter. */
export class DirectoryScanner {
  readonly #run: UploadRun;
  readonly #sourcePath: string;
  readonly #forceHashPercent: number;
  readonly #addFile: (task: DirectoryTask, local: LocalEntry) => boolean;

  constructor(options: {
    run: UploadRun;
    /** The root as actions are told of it. */
    sourcePath: string;
    forceHashPercent: number;
    /** Takes a file or link that has to be read; false when it wants no more for now. */
    addFile: (task: DirectoryTask, local: LocalEntry) => boolean;
  }) {
    this.#run = options.run;
    this.#sourcePath = options.sourcePath === "/" ? "" : options.sourcePath;
    this.#forceHashPercent = options.forceHashPercent;
    this.#addFile = options.addFile;
  }

  /** Examines some of the names of a directory that are still to be examined. */
  scan(task: DirectoryTask): void {
    const end = Math.min(task.names.length, task.nextName + NAMES_PER_SCAN);
    try {
      while (task.nextName < end) {
        const index = task.nextName++;
        const name = task.names[index] as string;
        const entry = task.listed?.entryAt(index) ?? readLocalEntry(task.path, name);
        if (entry === undefined) continue;
        if ("error" in entry) this.#takeUnreadable(task, entry);
        else if (isPlaceholder(entry)) this.#deferPlaceholder(task, entry);
        else if (!this.#take(task, entry)) return;
      }
    } catch (error) {
      if (!(error instanceof ListingError)) throw error;
      task.listingError = error.message;
    }
  }

  /** Takes over what the placeholders found so far stand for (spec 2 §7.2 step 2). */
  async takePlaceholders(task: DirectoryTask): Promise<void> {
    for (const placeholder of task.placeholders.splice(0)) {
      await takePlaceholder(this.#run, task, placeholder);
    }
  }

  /**
   * Leaves a sub-directory to the examiner when all that counts for it is what is in it and what the previous snapshot
   * says; else it is to be entered.
   * @returns whether it was taken.
   */
  sendAway(
    examiner: DirectoryExaminer<AwayDirectory>,
    parent: DirectoryTask,
    pending: PendingDirectory,
  ): boolean {
    const { local, previousIds, leafFileCount } = pending;
    const [contentId = ""] = previousIds;
    if (leafFileCount === undefined || leafFileCount > MAX_AWAY_FILES) return false;
    if (parent.isUnderAction || !this.#mayMatch(parent.ignore)) return false;
    const path = joinLocalPath(parent.path, local);
    if (typeof path !== "string" || parent.node.child(local.name).isDefined) return false;
    if (!this.#run.isReusableListing(contentId)) return false;
    return examiner.add(
      { path, rulingNames: parent.ignore.rulingNames },
      { contentId, fileCount: leafFileCount },
      { parent, pending },
    );
  }

  /** Takes over a sub-directory that is as it was; false when the repository has lost something of it. */
  takeMatched({ parent, pending }: AwayDirectory, matched: MatchedListing): boolean {
    const [objectId = ""] = pending.previousIds;
    if (!this.#run.hasContents(matched)) return false;
    this.#run.counters.directoryCount++;
    this.#takeOver(parent, { local: pending.local, objectId }, matched);
    return true;
  }

  /**
   * Lists a sub-directory; `undefined` when that fails, which its parent then records (spec 2 §7.2).
   * @param columns what is known already of what is in it.
   */
  async enter(
    parent: DirectoryTask,
    pending: PendingDirectory,
    columns?: ListingColumns,
  ): Promise<DirectoryTask | undefined> {
    const { local } = pending;
    const node = parent.node.child(local.name);
    this.#run.counters.directoryCount++;
    const relativePath = relativePathOf(parent, local.name);
    const span = this.#run.openFolderSpan(node, `${this.#sourcePath}/${relativePath}`);
    try {
      if (span !== undefined) return await this.#enterWithActions(parent, pending, span);
      const path = joinLocalPath(parent.path, local);
      const isNew = pending.previousIds.length === 0;
      const listed = isNew ? undefined : new ListedDirectory(columns ?? listColumns(path));
      const names = listed?.names ?? readLocalNames(path);
      const files = new LocalIgnoreFiles(path, names);
      const ignore = parent.ignore.enter(local.name, files, { device: local.device });
      const previous =
        listed !== undefined && this.#mayMatch(ignore)
          ? await this.#takeUnchanged(parent, { pending, listed })
          : await this.loadPrevious(pending.previousIds);
      if (previous === undefined) return undefined;
      const relativeBytes = relativeBytesOf(parent, local);
      const base = { parent, local, path, relativePath, node, ignore, previous, names, listed };
      return this.createTask(relativeBytes === undefined ? base : { ...base, relativeBytes });
    } catch (error) {
      if (!isListingFailure(error)) throw error;
      const isIgnored = node.policy.errorHandling.ignoreDirectoryErrors === true;
      this.#run.fail(parent, local, { error: error.message, isIgnored });
      return undefined;
    }
  }

  /**
   * Enters a folder whose policy has actions: never by way of a shortcut or of what was listed ahead, since the
   * action may change what is in it (spec 2 §7.9).
   */
  async #enterWithActions(
    parent: DirectoryTask,
    { local: foundAs, previousIds }: PendingDirectory,
    span: ActionSpan,
  ): Promise<DirectoryTask> {
    const node = parent.node.child(foundAs.name);
    const substitute = await span.enter();
    try {
      const path = substitute?.path ?? joinLocalPath(parent.path, foundAs);
      const local = substitute?.entry ?? foundAs;
      const { device } = local;
      const names = readLocalNames(path);
      const files = new LocalIgnoreFiles(path, names);
      // What takes the folder's place is a tree of its own to the rules: those from above do not reach it.
      const ignore =
        substitute === undefined
          ? parent.ignore.enter(foundAs.name, files, { device })
          : enterRoot(node, files, { device });
      const relativePath = relativePathOf(parent, foundAs.name);
      const relativeBytes = relativeBytesOf(parent, foundAs);
      const previous = await this.loadPrevious(previousIds);
      const base = { parent, local, path, relativePath, node, ignore, previous, names };
      const bytes = relativeBytes === undefined ? {} : { relativeBytes };
      return this.createTask({ ...base, ...bytes, span, foundAs });
    } catch (error) {
      await span.leave();
      throw error;
    }
  }

  #mayMatch(ignore: IgnoreContext): boolean {
    return !ignore.isCacheDirectory && ignore.ignoresNothing && this.#forceHashPercent <= 0;
  }

  /**
   * Takes over a directory without sub-directories that is as the previous snapshot says, and adds it to
   * its parent; `undefined` then. Else the previous listings, which must be looked at entry by entry.
   */
  async #takeUnchanged(
    parent: DirectoryTask,
    found: { readonly pending: PendingDirectory; readonly listed: ListedDirectory },
  ): Promise<readonly PreviousDirectory[] | undefined> {
    const { local, previousIds } = found.pending;
    const [objectId = "", ...others] = previousIds;
    if (!this.#run.isReusableListing(objectId)) return this.loadPrevious(previousIds);
    const data = await this.#orNothing(() => readListing(this.#run.session.objects, objectId));
    if (data === undefined) return this.loadPrevious(others);
    const matched = matchListing(data, found.listed);
    if (matched === undefined || !this.#run.hasContents(matched)) {
      const listing = await this.#orNothing(() => decodeDirectory(data, objectId));
      const best = listing === undefined ? [] : [new PreviousDirectory(objectId, listing)];
      return others.length === 0 ? best : [...best, ...(await this.loadPrevious(others))];
    }
    this.#takeOver(parent, { local, objectId }, matched);
    return undefined;
  }

  #takeOver(
    parent: DirectoryTask,
    { local, objectId }: { readonly local: LocalEntry; readonly objectId: string },
    matched: MatchedListing,
  ): void {
    const { counters, observer } = this.#run;
    counters.cachedFileCount += matched.entryCount;
    counters.cachedBytes += matched.sizeBytes;
    const entry = toDirectoryEntry(local, { objectId, sizeBytes: 0 });
    parent.entries.push({ ...entry, summary: matched.summary });
    observer.directoryDone?.(relativePathOf(parent, local.name), matched.summary);
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
      | "span"
      | "foundAs"
    > & { readonly listed?: ListedDirectory | undefined },
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
      listed: isCacheDirectory ? undefined : base.listed,
      directories: [],
      nextDirectory: 0,
      isUnderAction: base.span !== undefined || base.parent?.isUnderAction === true,
      awayCount: 0,
      placeholders: [],
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
      const { objects } = this.#run.session;
      const listing = await this.#orNothing(() => readDirectory(objects, objectId));
      if (listing !== undefined) loaded.push(new PreviousDirectory(objectId, listing));
    }
    return loaded;
  }

  async #orNothing<T>(read: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!isKopiaError(error)) throw error;
      return undefined;
    }
  }

  /** Sorts an entry in; false when the caller wants no more for now. */
  #take(task: DirectoryTask, local: LocalEntry): boolean {
    if (task.ignore.ignores(local)) {
      this.#exclude(task, local);
      return true;
    }
    switch (local.kind) {
      case "d":
        task.directories.push({ local, ...previousOf(task, local) });
        return true;
      case "other":
        this.#takeOther(task, local);
        return true;
      default:
        return this.#reuse(task, local) || this.#addFile(task, local);
    }
  }

  /** It stands for an entry without the suffix, so ignore rules see that name. */
  #deferPlaceholder(task: DirectoryTask, placeholder: LocalEntry): void {
    const local: LocalEntry = { ...placeholder, ...nameBehindPlaceholder(placeholder) };
    if (local.name !== "" && task.ignore.ignores(local)) this.#exclude(task, local);
    else task.placeholders.push(placeholder);
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
  if (error instanceof ListingError || error instanceof ActionError) return true;
  return isKopiaError(error, "IGNORE_PATTERN_INVALID") || isKopiaError(error, "LIMIT_EXCEEDED");
}

const NO_PREVIOUS: readonly PreviousDirectory[] = [];

function previousOf(task: DirectoryTask, local: LocalEntry): Omit<PendingDirectory, "local"> {
  const previousIds: string[] = [];
  let leafFileCount: number | undefined;
  if (local.nameBytes !== undefined) return { previousIds, leafFileCount };
  for (const previous of task.previous) {
    const entry = previous.find(local.name, true);
    if (entry?.type !== "d" || previousIds.includes(entry.objectId)) continue;
    if (previousIds.push(entry.objectId) > 1) continue;
    const { summary } = entry;
    if (summary?.directoryCount === 1) leafFileCount = summary.fileCount;
  }
  return { previousIds, leafFileCount };
}
