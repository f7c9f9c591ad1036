import type { LocalEntry } from "../fs/local-directory.ts";
import { joinLocalPath } from "../fs/local-path.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { ListingColumns } from "../fs/listed-directory.ts";
import type { DirectoryExaminer } from "./directory-examiner.ts";
import {
  type AwayDirectory,
  type BatchTarget,
  type DirectoryTask,
  type PendingDirectory,
  toDirectoryEntry,
} from "./directory-task.ts";
import type { PreviousDirectory } from "./previous-directory.ts";
import { DirectoryScanner } from "./directory-scanner.ts";
import { isLargeFile } from "./large-file.ts";
import type {
  PartialUpload,
  UploadExecutor,
  UploadItem,
  UploadItemResult,
} from "./upload-executor.ts";
import { type UploadRun, checkpointName } from "./upload-run.ts";

const MAX_BATCH_ITEMS = 512;
const MAX_BATCH_BYTES = 2 ** 25;
const DIRECTORIES_PER_BREATH = 128;

/**
 * Walks a tree depth-first, hands files to the executor in batches that cross directories, and writes
 * each directory when all below it is stored (spec 2 §7.2). In memory are only the directories on the
 * way down and those with files in a batch.
 */
export class TreeUploader {
  readonly scanner: DirectoryScanner;
  readonly #run: UploadRun;
  readonly #executor: UploadExecutor;
  readonly #examiner: DirectoryExaminer<AwayDirectory> | undefined;
  /** Directories that the examiner gave back: they have to be entered. */
  readonly #returned: ReturnedDirectory[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  readonly #partials = new Map<BatchTarget, PartialUpload>();
  #small = newBatch();
  readonly #large: PendingBatch[] = [];
  #directoriesSinceBreath = 0;
  #root: DirectoryTask | undefined;
  #rootEntry: DirectoryEntry | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: {
    run: UploadRun;
    executor: UploadExecutor;
    sourcePath: string;
    forceHashPercent: number;
    examiner?: DirectoryExaminer<AwayDirectory> | undefined;
  }) {
    this.#run = options.run;
    this.#executor = options.executor;
    this.#examiner = options.examiner;
    this.scanner = new DirectoryScanner({
      run: options.run,
      sourcePath: options.sourcePath,
      forceHashPercent: options.forceHashPercent,
      addFile: (task, local) => this.#addFile(task, local),
    });
  }

  /** Stores everything below the root and returns its entry. */
  async upload(root: DirectoryTask): Promise<DirectoryEntry> {
    this.#root = root;
    const path = [root];
    try {
      try {
        while (!this.#run.shouldStop() && (await this.#findNext(path))) await this.#step(path);
        if (this.#run.stopReason === "") await this.#submitSmall();
        this.#dropPending();
      } finally {
        await Promise.allSettled(this.#inFlight);
      }
      this.#throwFailure();
      // Only when stopped something is left: directories that were begun are finished as they are.
      for (const task of path.toReversed()) this.#endWalk(task);
    } finally {
      for (const task of path.toReversed()) await task.span?.leave();
    }
    if (this.#rootEntry === undefined) throw new Error("the root directory was not finished");
    return this.#rootEntry;
  }

  /** One step of the walk at the end of the path: examine names, enter a sub-directory, or leave. */
  async #step(path: DirectoryTask[]): Promise<void> {
    const task = path.at(-1) as DirectoryTask;
    if (task.listingError === undefined && task.nextName < task.names.length) {
      this.scanner.scan(task);
      if (task.placeholders.length > 0) await this.scanner.takePlaceholders(task);
      await this.#submitFull();
      return;
    }
    const next = task.directories[task.nextDirectory++];
    if (next === undefined || task.listingError !== undefined) await this.#leave(path, task);
    else await this.#enter(path, task, next);
    if (++this.#directoriesSinceBreath >= DIRECTORIES_PER_BREATH) await this.#breathe();
  }

  /** Enters a sub-directory, unless it can be left to the examiner. */
  async #enter(
    path: DirectoryTask[],
    task: DirectoryTask,
    pending: PendingDirectory,
  ): Promise<void> {
    const examiner = this.#examiner;
    if (examiner !== undefined && this.scanner.sendAway(examiner, task, pending)) {
      task.pendingCount++;
      task.awayCount++;
      if (!examiner.isFull) return;
      examiner.start();
      // Answers of other threads come with the next turn of the event loop.
      await this.#breathe();
      this.#takeExamined(examiner);
      return;
    }
    const child = await this.scanner.enter(task, pending);
    if (child === undefined) return;
    task.pendingCount++;
    task.openChildren.add(child);
    path.push(child);
  }

  /** Whether there is a directory to go on with, which then is the last one of the path. */
  #findNext(path: DirectoryTask[]): boolean | Promise<boolean> {
    const isThere = path.length > 0 && this.#returned.length === 0;
    return isThere || this.#findMore(path);
  }

  async #findMore(path: DirectoryTask[]): Promise<boolean> {
    const examiner = this.#examiner;
    for (;;) {
      const returned = this.#returned.pop();
      if (returned !== undefined) await this.#enterReturned(path, returned);
      else if (path.length > 0) return true;
      else if (examiner === undefined || !examiner.hasOpen) return false;
      else {
        examiner.start();
        if (!(await examiner.wait())) return false;
        this.#takeExamined(examiner);
      }
    }
  }

  #takeExamined(examiner: DirectoryExaminer<AwayDirectory>): void {
    for (const { context, examined } of examiner.take()) {
      const { parent, pending } = context;
      const { matched, columns } = examined;
      if (matched !== undefined && this.scanner.takeMatched(context, matched))
        this.#endAway(parent);
      else this.#returned.push({ parent, pending, columns });
    }
  }

  async #enterReturned(
    path: DirectoryTask[],
    { parent, pending, columns }: ReturnedDirectory,
  ): Promise<void> {
    const child = await this.scanner.enter(parent, pending, columns);
    if (child === undefined) this.#endAway(parent);
    else {
      parent.awayCount--;
      parent.openChildren.add(child);
      path.push(child);
    }
  }

  #endAway(parent: DirectoryTask): void {
    parent.awayCount--;
    this.#forget(parent);
  }

  /** Ends the walk of the last directory of the path. */
  async #leave(path: DirectoryTask[], task: DirectoryTask): Promise<void> {
    if (task.span === undefined) {
      path.pop();
      this.#endWalk(task);
      return;
    }
    // The action after a folder may undo what the one before it made: everything in it has to be read by then.
    await this.#submitFull();
    await this.#submitSmall();
    await Promise.allSettled(this.#inFlight);
    this.#throwFailure();
    if (this.#run.shouldStop()) return;
    path.pop();
    try {
      this.#endWalk(task);
    } finally {
      await task.span.leave();
    }
  }

  async #breathe(): Promise<void> {
    this.#directoriesSinceBreath = 0;
    await this.#run.contents.settle();
    await this.#run.breathe();
    this.#throwFailure();
    await this.#checkpointIfDue();
  }

  /** Puts a file into a batch; false when something is ready to be handed over. */
  #addFile(task: DirectoryTask, local: LocalEntry): boolean {
    const isFile = local.kind === "f";
    if (isFile) this.#run.counters.nonCachedFileCount++;
    const { policy } = task.node.child(local.name);
    const { settings } = this.#run;
    const item: UploadItem = {
      path: joinLocalPath(task.path, local),
      kind: isFile ? "file" : "symlink",
      sizeBytes: local.sizeBytes,
      settings: settings.forFile(policy, local.name, local.sizeBytes),
    };
    const batch = isLargeFile(item, settings.settings) ? newBatch() : this.#small;
    batch.items.push(item);
    batch.targets.push({ task, local });
    batch.sizeBytes += local.sizeBytes;
    if (batch !== this.#small) this.#large.push(batch);
    task.pendingCount++;
    return this.#large.length === 0 && !this.#isSmallFull();
  }

  #isSmallFull(): boolean {
    const { items, sizeBytes } = this.#small;
    return items.length >= MAX_BATCH_ITEMS || sizeBytes >= MAX_BATCH_BYTES;
  }

  /** Hands over what is large enough. */
  async #submitFull(): Promise<void> {
    // Before a large file, which may take hours: a checkpoint then holds all that came before it.
    if (this.#isSmallFull() || this.#large.length > 0) await this.#submitSmall();
    while (this.#large.length > 0 && !this.#run.shouldStop()) {
      await this.#submit(this.#large.shift() as PendingBatch);
    }
  }

  async #submitSmall(): Promise<void> {
    const batch = this.#small;
    this.#small = newBatch();
    if (batch.items.length > 0) await this.#submit(batch);
  }

  /** Hands a batch over, and waits when the executor has enough to do. */
  async #submit(batch: PendingBatch): Promise<void> {
    const work = this.#execute(batch)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#inFlight.delete(work));
    this.#inFlight.add(work);
    while (this.#inFlight.size >= this.#executor.concurrency) await Promise.race(this.#inFlight);
    await this.#breathe();
  }

  async #execute({ items, targets }: PendingBatch): Promise<void> {
    const { settings } = this.#run.settings;
    this.#run.readingCount++;
    const results = await this.#executor.execute(
      { items, settings },
      {
        readBytes: (lengthBytes) => this.#run.countReadBytes(lengthBytes),
        pause: (partial) => this.#pause(targets, partial),
      },
    );
    this.#run.readingCount--;
    for (const [index, target] of targets.entries()) {
      this.#applyResult(target, results[index] ?? { skipped: true });
    }
  }

  async #pause(targets: readonly BatchTarget[], partial?: PartialUpload): Promise<void> {
    await this.#run.breathe();
    const target = partial === undefined ? undefined : targets[partial.item];
    if (target !== undefined && partial !== undefined) this.#partials.set(target, partial);
    try {
      await this.#checkpointIfDue();
    } finally {
      if (target !== undefined && this.#executor.concurrency === 1) this.#partials.delete(target);
    }
  }

  #applyResult(target: BatchTarget, result: UploadItemResult): void {
    const { task, local } = target;
    const { counters } = this.#run;
    this.#partials.delete(target);
    if ("objectId" in result) {
      task.entries.push(toDirectoryEntry(local, result));
      // Links are stored, but not counted (spec 2 §5.2).
      if (local.kind === "f") {
        counters.storedBytes += result.sizeBytes;
        counters.hashedFileCount += result.partCount;
      }
    } else if ("error" in result) {
      const isIgnored = task.node.policy.errorHandling.ignoreFileErrors === true;
      this.#run.fail(task, local, { error: result.error, isIgnored });
    }
    task.pendingCount--;
    this.#finishIfDone(task);
  }

  /** Forgets files that were to be read, and directories that were to be examined: the upload stops. */
  #dropPending(): void {
    for (const batch of [this.#small, ...this.#large.splice(0)]) {
      for (const { task } of batch.targets) this.#forget(task);
    }
    this.#small = newBatch();
    for (const { parent } of [...(this.#examiner?.drop() ?? []), ...this.#returned.splice(0)]) {
      this.#endAway(parent);
    }
  }

  #forget(task: DirectoryTask): void {
    task.pendingCount--;
    this.#finishIfDone(task);
  }

  #endWalk(task: DirectoryTask): void {
    task.isWalked = true;
    task.unchanged = candidateOf(task);
    task.previous = [];
    task.names = [];
    this.#finishIfDone(task);
  }

  /** Writes a directory that is complete, and then those above it that wait only for it. */
  #finishIfDone(start: DirectoryTask): void {
    let task: DirectoryTask | undefined = start;
    while (task !== undefined && task.isWalked && task.pendingCount === 0) {
      const { parent }: DirectoryTask = task;
      this.#finish(task);
      parent?.openChildren.delete(task);
      if (parent !== undefined) parent.pendingCount--;
      task = parent;
    }
  }

  #finish(task: DirectoryTask): void {
    const { parent, listingError, local } = task;
    if (listingError !== undefined && parent !== undefined) {
      const isIgnored = task.node.policy.errorHandling.ignoreDirectoryErrors === true;
      this.#run.fail(parent, task.foundAs ?? local, { error: listingError, isIgnored });
      return;
    }
    if (listingError !== undefined) throw new RootListingError(listingError);
    const entry = this.#run.storeDirectory(task, this.#run.stopReason);
    if (parent === undefined) this.#rootEntry = entry;
    else parent.entries.push(entry);
    if (entry.summary !== undefined) {
      this.#run.observer.directoryDone?.(task.relativePath || ".", entry.summary);
    }
  }

  async #checkpointIfDue(): Promise<void> {
    if (this.#root === undefined || !this.#run.isCheckpointDue()) return;
    await this.#run.saveCheckpoint(await this.#checkpointDirectory(this.#root));
  }

  /** What is finished of a directory, of those below it, and of the files being read (spec 2 §7.10). */
  async #checkpointDirectory(task: DirectoryTask): Promise<DirectoryEntry> {
    const entries = [...task.entries];
    for (const child of task.openChildren) entries.push(await this.#checkpointDirectory(child));
    for (const [target, partial] of this.#partials) {
      if (target.task !== task) continue;
      const objectId = await partial.checkpoint();
      if (objectId === "") continue;
      const { sizeBytes } = target.local;
      const name = checkpointName(target.local.name, this.#run.random);
      entries.push({ ...toDirectoryEntry(target.local, { objectId, sizeBytes }), name });
    }
    return this.#run.storeDirectory(task, "checkpoint", entries);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** The previous listing that a walked directory may equal: every file is taken from it, nothing is missing. */
function candidateOf(task: DirectoryTask): PreviousDirectory | undefined {
  const [previous] = task.previous;
  const { entries, openChildren, awayCount, failures } = task;
  const entryCount = entries.length + openChildren.size + awayCount;
  const isWhole = previous?.listing.entries.length === entryCount;
  return isWhole && failures.length === 0 ? previous : undefined;
}

interface ReturnedDirectory extends AwayDirectory {
  readonly columns: ListingColumns | undefined;
}

interface PendingBatch {
  readonly items: UploadItem[];
  readonly targets: BatchTarget[];
  sizeBytes: number;
}

function newBatch(): PendingBatch {
  return { items: [], targets: [], sizeBytes: 0 };
}

/** The listing of the snapshot's root broke off; nothing is saved. */
export class RootListingError extends Error {}
