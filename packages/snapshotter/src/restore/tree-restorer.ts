import { KopiaError } from "@kopia-engine/kopia-format";
import { readDirectoryForRestore } from "../fs/read-directory.ts";
import { placeholderNameOf } from "../fs/placeholder.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { ReadThreadOptions } from "../threads/read-threads.ts";
import { checkEntryName } from "./entry-name.ts";
import { ItemThreads } from "./item-threads.ts";
import { ItemWriter, type ItemWriterOptions } from "./item-writer.ts";
import type { ReadableRepository } from "./read-objects.ts";
import type { RestoreCounters } from "./restore-counters.ts";
import { entryError, joinPath } from "./restore-error.ts";
import { pathOf, type RestoreItem, type RestoreTask } from "./restore-item.ts";
import type { RestoreOutput } from "./restore-output.ts";
import type { RestoreObserver, RestoreOptions, ShallowOptions } from "./restore-tree.ts";

const MAX_BATCH_ITEMS = 512;
const MAX_BATCH_BYTES = 2 ** 24;
/** Threads hold the directories of a batch open. */
const MAX_BATCH_DIRECTORIES = 64;
const DIRECTORIES_PER_BREATH = 64;

/**
 * Walks a stored tree depth-first, reads the data of many files at a time in pack order, and sets the
 * attributes of a directory after everything in it (spec 2 §10.3).
 */
export class TreeRestorer {
  readonly #repository: ReadableRepository;
  readonly #output: RestoreOutput;
  readonly #observer: RestoreObserver;
  readonly #ignoreErrors: boolean;
  readonly #shallow: ShallowOptions | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #counters: RestoreCounters;
  readonly #writerOptions: ItemWriterOptions;
  readonly #writer: ItemWriter;
  readonly #threadOptions: ReadThreadOptions;
  /** Absent where one thread has to do it. */
  #threads: ItemThreads | undefined;
  #batch: RestoreItem[] = [];
  readonly #batchTasks = new Set<RestoreTask>();
  #batchBytes = 0;
  #directoriesSinceBreath = 0;

  constructor(options: RestoreOptions, counters: RestoreCounters) {
    this.#repository = options.repository;
    this.#output = options.output;
    this.#observer = options.observer ?? {};
    this.#ignoreErrors = options.ignoreErrors ?? false;
    this.#shallow = options.shallow;
    this.#signal = options.signal;
    this.#counters = counters;
    this.#threadOptions = options.threads ?? {};
    this.#writerOptions = {
      repository: options.repository,
      output: options.output,
      counters,
      listener: {
        completed: (item) => this.#completed(item),
        failed: (path, error) => this.#fail(path, error),
        breathe: () => this.#breathe(),
      },
    };
    this.#writer = new ItemWriter(this.#writerOptions);
  }

  async restore(entry: DirectoryEntry): Promise<void> {
    this.#threads = await ItemThreads.open(this.#writerOptions, this.#threadOptions);
    try {
      await this.#restore(entry);
      await this.#flushBatch();
      await this.#threads?.end();
    } finally {
      await this.#threads?.close();
    }
  }

  async #restore(entry: DirectoryEntry): Promise<void> {
    this.#enqueue(entry);
    if (entry.type !== "d") return this.#takeEntry(undefined, entry);
    const root = await this.#enter(undefined, entry);
    const path = root === undefined ? [] : [root];
    while (path.length > 0) await this.#step(path);
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
    const isFull =
      this.#batch.length >= MAX_BATCH_ITEMS ||
      this.#batchBytes >= MAX_BATCH_BYTES ||
      this.#batchTasks.size >= MAX_BATCH_DIRECTORIES;
    if (isFull) {
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
      const depth = parent === undefined ? 0 : parent.depth + 1;
      const base = { parent, entry, output, depth, directories: [], nextDirectory: 0 };
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
      this.#observer.warning?.({ path: joinPath(directory, name), error });
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
          if (!this.#takeShallow(task, entry)) task?.directories.push(entry);
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
    if (entry.type === "f" && this.#takeShallow(task, entry)) return;
    this.#batch.push({ task, entry });
    this.#batchBytes += Number(entry.sizeBytes);
    if (task === undefined) return;
    task.pendingCount++;
    this.#batchTasks.add(task);
  }

  /** Writes a placeholder for what lies too deep; false where the entry is to be restored (spec 2 §10.7). */
  #takeShallow(task: RestoreTask | undefined, entry: DirectoryEntry): boolean {
    const shallow = this.#shallow;
    if (shallow === undefined || task === undefined || task.depth < shallow.depth) return false;
    const isFile = entry.type === "f";
    if (isFile && entry.sizeBytes < BigInt(shallow.minSizeBytes ?? 0)) return false;
    if (placeholderNameOf(entry.name) === undefined) return false;
    if (this.#output.writePlaceholder === undefined) {
      throw new KopiaError("RESTORE_FAILED", "this output has no placeholders: restore everything");
    }
    this.#output.writePlaceholder(task.output, entry);
    if (isFile) {
      this.#counters.restoredFileCount++;
      this.#counters.restoredBytes += Number(entry.sizeBytes);
    } else this.#counters.restoredDirectoryCount++;
    return true;
  }

  async #flushBatch(): Promise<void> {
    const items = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#batchTasks.clear();
    await (this.#threads ?? this.#writer).write(items);
    await this.#breathe();
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
    const wrapped = entryError(path, error);
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
