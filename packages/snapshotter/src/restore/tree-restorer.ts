import { KopiaError, isKopiaError, releaseBytes } from "@kopia-engine/kopia-format";
import { readDirectoryForRestore } from "../fs/read-directory.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { checkEntryName } from "./entry-name.ts";
import { type ReadableRepository, readObjects } from "./read-objects.ts";
import type { RestoreCounters } from "./restore-counters.ts";
import type { OutputDirectory, RestoreOutput } from "./restore-output.ts";
import type { RestoreObserver, RestoreOptions } from "./restore-tree.ts";

const MAX_BATCH_ITEMS = 512;
const MAX_BATCH_BYTES = 2 ** 24;
const DIRECTORIES_PER_BREATH = 64;

/** A directory between its creation and its final attributes. */
interface RestoreTask {
  readonly parent: RestoreTask | undefined;
  readonly entry: DirectoryEntry;
  readonly output: OutputDirectory;
  /** Sub-directories to be entered after the files. */
  readonly directories: DirectoryEntry[];
  nextDirectory: number;
  /** Files in the batch and sub-directories in progress. */
  pendingCount: number;
  isWalked: boolean;
}

/** A file or link whose data is to be read; without a task it is the root itself. */
interface RestoreItem {
  readonly task: RestoreTask | undefined;
  readonly entry: DirectoryEntry;
}

/**
 * Walks a stored tree depth-first, reads the data of many files at a time in pack order, and sets the
 * attributes of a directory after everything in it (spec 2 §10.3).
 */
export class TreeRestorer {
  readonly #repository: ReadableRepository;
  readonly #output: RestoreOutput;
  readonly #observer: RestoreObserver;
  readonly #ignoreErrors: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #counters: RestoreCounters;
  #batch: RestoreItem[] = [];
  #batchBytes = 0;
  #directoriesSinceBreath = 0;

  constructor(options: RestoreOptions, counters: RestoreCounters) {
    this.#repository = options.repository;
    this.#output = options.output;
    this.#observer = options.observer ?? {};
    this.#ignoreErrors = options.ignoreErrors ?? false;
    this.#signal = options.signal;
    this.#counters = counters;
  }

  async restore(entry: DirectoryEntry): Promise<void> {
    this.#enqueue(entry);
    if (entry.type !== "d") {
      this.#takeEntry(undefined, entry);
      await this.#flushBatch();
      return;
    }
    const root = await this.#enter(undefined, entry);
    const path = root === undefined ? [] : [root];
    while (path.length > 0) await this.#step(path);
    await this.#flushBatch();
  }

  async #step(path: RestoreTask[]): Promise<void> {
    const task = path.at(-1) as RestoreTask;
    const next = task.directories[task.nextDirectory++];
    if (next === undefined) {
      path.pop();
      task.isWalked = true;
      this.#finishIfDone(task);
    } else {
      const child = await this.#enter(task, next);
      if (child !== undefined) path.push(child);
    }
    if (this.#batch.length >= MAX_BATCH_ITEMS || this.#batchBytes >= MAX_BATCH_BYTES) {
      await this.#flushBatch();
    } else if (++this.#directoriesSinceBreath >= DIRECTORIES_PER_BREATH) await this.#breathe();
  }

  /** Makes a directory and takes in its entries; `undefined` when that failed and errors are ignored. */
  async #enter(
    parent: RestoreTask | undefined,
    entry: DirectoryEntry,
  ): Promise<RestoreTask | undefined> {
    const path = pathOf(parent, entry);
    try {
      const listing = await readDirectoryForRestore(this.#repository.objects, entry.objectId);
      const output =
        parent === undefined
          ? this.#output.openRoot(entry)
          : this.#output.openDirectory(parent.output, entry);
      this.#reportDuplicates(path, listing.duplicates);
      const deleted = this.#output.deleteExtra(output, listing.entries);
      this.#counters.deletedFileCount += deleted.files;
      this.#counters.deletedDirectoryCount += deleted.directories;
      this.#counters.deletedSymlinkCount += deleted.symlinks;
      const base = { parent, entry, output, directories: [], nextDirectory: 0 };
      const task: RestoreTask = { ...base, pendingCount: 0, isWalked: false };
      if (parent !== undefined) parent.pendingCount++;
      for (const child of listing.entries) this.#enqueue(child);
      for (const child of listing.entries) this.#takeEntry(task, child);
      return task;
    } catch (error) {
      this.#fail(path, error);
      return undefined;
    }
  }

  #reportDuplicates(directory: string, names: readonly string[]): void {
    for (const name of names) {
      this.#counters.collapsedEntryCount++;
      const text = `${JSON.stringify(name)} in ${directory} stands for several entries whose names are not UTF-8; only the last is restored`;
      const error = new KopiaError("RESTORE_UNSAFE_NAME", text, { details: { name, directory } });
      this.#observer.warning?.({ path: join(directory, name), error });
    }
  }

  #enqueue(entry: DirectoryEntry): void {
    this.#counters.enqueuedCount++;
    if (entry.type === "f") this.#counters.enqueuedBytes += Number(entry.sizeBytes);
  }

  #takeEntry(task: RestoreTask | undefined, entry: DirectoryEntry): void {
    const path = pathOf(task, entry);
    try {
      if (task !== undefined) checkEntryName(entry.name, task.output.path);
      switch (entry.type) {
        case "d":
          task?.directories.push(entry);
          break;
        case "f":
        case "s":
          this.#takeFile(task, entry);
          break;
        default:
          throw new KopiaError("RESTORE_FAILED", `${path}: unknown entry type ${entry.type}`);
      }
    } catch (error) {
      this.#fail(path, error);
    }
  }

  #takeFile(task: RestoreTask | undefined, entry: DirectoryEntry): void {
    if (this.#output.keepsExisting(task?.output, entry)) {
      this.#counters.skippedCount++;
      if (entry.type === "f") this.#counters.skippedBytes += Number(entry.sizeBytes);
      return;
    }
    this.#batch.push({ task, entry });
    this.#batchBytes += Number(entry.sizeBytes);
    if (task !== undefined) task.pendingCount++;
  }

  async #flushBatch(): Promise<void> {
    const items = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    await readObjects(this.#repository, items, {
      objectIdOf: (item) => item.entry.objectId,
      sizeBytesOf: (item) => Number(item.entry.sizeBytes),
      whole: (item, data) => this.#attempt(item, () => this.#writeWhole(item, data)),
      pieces: async (item, pieces) => await this.#writePieces(item, pieces),
      failed: (item, error) => {
        this.#fail(pathOf(item.task, item.entry), error);
        this.#completed(item);
      },
    });
    await this.#breathe();
  }

  #attempt(item: RestoreItem, write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#fail(pathOf(item.task, item.entry), error);
    }
    this.#completed(item);
  }

  #writeWhole({ task, entry }: RestoreItem, data: Uint8Array): void {
    if (entry.type === "s") {
      this.#output.writeSymlink(task?.output, entry, data);
      this.#counters.restoredSymlinkCount++;
      return;
    }
    const file = this.#output.openFile(task?.output, entry);
    try {
      file.write(data);
      file.finish();
    } catch (error) {
      file.abort();
      throw error;
    }
    this.#counters.restoredFileCount++;
    this.#counters.restoredBytes += data.length;
  }

  async #writePieces(item: RestoreItem, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const { task, entry } = item;
    try {
      if (entry.type === "s")
        throw new KopiaError("RESTORE_FAILED", `link ${entry.name} is too long`);
      const file = this.#output.openFile(task?.output, entry);
      try {
        for await (const piece of pieces) {
          file.write(piece);
          this.#counters.restoredBytes += piece.length;
          releaseBytes(piece);
          await this.#breathe();
        }
        file.finish();
      } catch (error) {
        file.abort();
        throw error;
      }
      this.#counters.restoredFileCount++;
    } catch (error) {
      this.#fail(pathOf(task, entry), error);
    }
    this.#completed(item);
  }

  #completed({ task }: RestoreItem): void {
    if (task === undefined) return;
    task.pendingCount--;
    this.#finishIfDone(task);
  }

  #finishIfDone(start: RestoreTask): void {
    let task: RestoreTask | undefined = start;
    while (task !== undefined && task.isWalked && task.pendingCount === 0) {
      try {
        this.#output.finishDirectory(task.output, task.entry);
        this.#counters.restoredDirectoryCount++;
      } catch (error) {
        this.#fail(task.output.path, error);
      }
      task = task.parent;
      if (task !== undefined) task.pendingCount--;
    }
  }

  /** Counts an error, or ends the restore with it. */
  #fail(path: string, error: unknown): void {
    this.#signal?.throwIfAborted();
    const wrapped =
      isKopiaError(error) || !(error instanceof Error)
        ? error
        : new KopiaError("RESTORE_FAILED", `${path}: ${error.message}`, {
            details: { path },
            cause: error,
          });
    if (!this.#ignoreErrors || !(wrapped instanceof Error)) throw wrapped;
    this.#counters.ignoredErrorCount++;
    this.#observer.failed?.({ path, error: wrapped });
  }

  /** Lets signals and timers have their turn, and reports progress. */
  async #breathe(): Promise<void> {
    this.#directoriesSinceBreath = 0;
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#signal?.throwIfAborted();
    this.#observer.progress?.(this.#counters);
  }
}

function pathOf(task: RestoreTask | undefined, entry: DirectoryEntry): string {
  return task === undefined ? "." : join(task.output.path, entry.name);
}

function join(directory: string, name: string): string {
  return directory === "." ? name : `${directory}/${name}`;
}
