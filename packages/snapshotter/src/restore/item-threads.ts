import {
  ContentPlaces,
  errorFromWire,
  openPlaceReader,
  readSetupOf,
  systemRandom,
  type ContentManager,
  type ContentPlacesParts,
  type ObjectPiece,
} from "@kopia-engine/kopia-format";
import { JobPool } from "../threads/job-pool.ts";
import { threadPoolOptions, type ReadThreadOptions } from "../threads/read-threads.ts";
import { workerStarter } from "../threads/start-worker.ts";
import { FileInPieces, pieceJobs } from "./file-in-pieces.ts";
import { ItemWriter, type ItemWriterOptions } from "./item-writer.ts";
import { LocalEntries } from "./local-entries.ts";
import { DIRECT_OBJECT_ID } from "../model/direct-object-id.ts";
import { MAX_WHOLE_BYTES } from "./read-objects.ts";
import { runRestoreJob, type RestoreJob, type RestoreJobResult } from "./restore-job.ts";
import { pathOf, type RestoreItem } from "./restore-item.ts";
import type { OutputDirectory, OutputThreads } from "./restore-output.ts";

// Beside this file: as source, compiled, or as an entry of the bundle.
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const startRestoreWorker = workerStarter(new URL(`./restore-worker.${EXTENSION}`, import.meta.url));

/** What a job was for. */
type JobContext =
  | {
      readonly kind: "entries";
      readonly items: readonly RestoreItem[];
      readonly lent: readonly OutputDirectory[];
    }
  | {
      readonly kind: "pieces";
      readonly file: FileInPieces;
      readonly places: ContentPlacesParts;
    };
type Pool = JobPool<RestoreJob, RestoreJobResult, JobContext>;

/** Has items written by threads. What they cannot read is read again through the repository, which knows why. */
export class ItemThreads {
  readonly #options: ItemWriterOptions;
  readonly #contents: ContentManager;
  readonly #threads: OutputThreads;
  readonly #pool: Pool;
  readonly #inline: ItemWriter;
  readonly #open = new Set<FileInPieces>();

  private constructor(
    options: ItemWriterOptions,
    parts: {
      readonly contents: ContentManager;
      readonly threads: OutputThreads;
      readonly pool: Pool;
    },
  ) {
    this.#options = options;
    this.#contents = parts.contents;
    this.#threads = parts.threads;
    this.#pool = parts.pool;
    this.#inline = new ItemWriter(options);
  }

  /** `undefined` where the repository or the output has to be used by one thread. */
  static async open(
    options: ItemWriterOptions,
    threadOptions: ReadThreadOptions,
  ): Promise<ItemThreads | undefined> {
    const { repository, output } = options;
    const setup = readSetupOf(repository);
    const contents = repository.contents as Partial<ContentManager>;
    const { threads } = output;
    if (setup === undefined || threads === undefined) return undefined;
    if (contents.locate === undefined || contents.refreshIfOld === undefined) return undefined;
    const tools = {
      reader: await openPlaceReader(setup),
      entries: new LocalEntries(threads.options, systemRandom),
    };
    const pool: Pool = new JobPool({
      runHere: (job, stop) => runRestoreJob(tools, job, stop),
      init: { setup, options: threads.options },
      ...threadPoolOptions(threadOptions, startRestoreWorker),
    });
    return new ItemThreads(options, { contents: contents as ContentManager, threads, pool });
  }

  /** Hands items on; most end later. */
  async write(items: readonly RestoreItem[]): Promise<void> {
    await this.#contents.refreshIfOld();
    const others = this.#pushEntries(items);
    await this.#options.listener.breathe();
    await this.#takeResults();
    for (const item of others) await this.#writeLarge(item);
  }

  /** Waits until all items have ended. */
  async end(): Promise<void> {
    while (await this.#pool.wait()) {
      await this.#options.listener.breathe();
      await this.#takeResults();
    }
  }

  /** Ends the threads. Files that are not whole are given up. */
  async close(): Promise<void> {
    await this.#pool.close();
    for (const file of this.#open) {
      file.abort();
      this.#giveBackFor(file.item);
    }
    this.#open.clear();
  }

  #giveBackFor({ task }: RestoreItem): void {
    if (task !== undefined) this.#threads.giveBack(task.output);
  }

  /** Makes a job of the items that are one content each. @returns the others. */
  #pushEntries(items: readonly RestoreItem[]): RestoreItem[] {
    const places = new ContentPlaces();
    const placeByObject = new Map<string, number>();
    const directories = new Map<OutputDirectory, number>();
    const others: RestoreItem[] = [];
    const pushed: RestoreItem[] = [];
    const entries = [];
    for (const item of items) {
      const { task, entry } = item;
      const place = task === undefined ? -1 : this.#placeOf(entry, places, placeByObject);
      if (task === undefined || place < 0) {
        others.push(item);
        continue;
      }
      const directory = directories.get(task.output) ?? directories.size;
      directories.set(task.output, directory);
      entries.push({ place, directory, entry });
      pushed.push(item);
    }
    if (pushed.length === 0) return others;
    const lent = [...directories.keys()];
    this.#pool.execute(
      {
        kind: "entries",
        places: places.parts(),
        directories: lent.map((directory) => this.#threads.lend(directory)),
        entries,
      },
      { kind: "entries", items: pushed, lent },
    );
    return others;
  }

  /** Number of the place of an entry's content; -1 when it is not one small content, or not in the index. */
  #placeOf(
    { objectId, sizeBytes }: RestoreItem["entry"],
    places: ContentPlaces,
    known: Map<string, number>,
  ): number {
    if (sizeBytes > MAX_WHOLE_BYTES || !DIRECT_OBJECT_ID.test(objectId)) return -1;
    let place = known.get(objectId);
    if (place === undefined) {
      if (this.#contents.locate?.(objectId, places) !== true) return -1;
      place = places.count - 1;
      known.set(objectId, place);
    }
    return place;
  }

  async #writeLarge(item: RestoreItem): Promise<void> {
    const pieces = await this.#piecesOf(item);
    if (pieces === undefined) return await this.#inline.write([item]);
    const { output, listener } = this.#options;
    let file: FileInPieces;
    // Its directory is needed open until it is whole, and many others are entered meanwhile.
    if (item.task !== undefined) this.#threads.lend(item.task.output);
    try {
      file = FileInPieces.open(output, item, pieces);
    } catch (error) {
      this.#giveBackFor(item);
      listener.failed(pathOf(item.task, item.entry), error);
      return listener.completed(item);
    }
    this.#open.add(file);
    for (const { pieces: part, placeIds } of pieceJobs(pieces)) {
      const places = new ContentPlaces();
      const isThere = placeIds.every((id) => this.#contents.locate?.(id, places) === true);
      if (!isThere) file.unread.push(...part.map(({ piece }) => piece));
      else {
        file.pendingCount++;
        const job = file.jobOf(places.parts(), part);
        this.#pool.execute(job, { kind: "pieces", file, places: job.places });
      }
      await listener.breathe();
      await this.#takeResults();
    }
    file.isPushed = true;
    if (file.pendingCount === 0) await this.#endFile(file);
  }

  /** The pieces that threads may write; `undefined` when they have to come in order. */
  async #piecesOf({ entry }: RestoreItem): Promise<readonly ObjectPiece[] | undefined> {
    if (entry.type !== "f") return undefined;
    if (entry.sizeBytes <= MAX_WHOLE_BYTES && DIRECT_OBJECT_ID.test(entry.objectId))
      return undefined;
    try {
      const pieces = await this.#options.repository.objects.objectPieces(entry.objectId);
      return pieces.some(({ compressed }) => compressed) ? undefined : pieces;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return undefined; // the inline writer meets the error again, and tells it
    }
  }

  async #takeResults(): Promise<void> {
    for (const { context, result } of this.#pool.takeFinished()) {
      const { counters } = this.#options;
      counters.restoredFileCount += result.fileCount;
      counters.restoredSymlinkCount += result.linkCount;
      counters.restoredBytes += result.writtenBytes;
      if (context.kind === "entries") await this.#endEntries(context, result);
      else {
        context.file.take(context.places, result);
        if (context.file.isPushed && context.file.pendingCount === 0) {
          await this.#endFile(context.file);
        }
      }
    }
  }

  async #endEntries(
    { items, lent }: Extract<JobContext, { kind: "entries" }>,
    { failed, unread }: RestoreJobResult,
  ): Promise<void> {
    const { listener } = this.#options;
    for (const directory of lent) this.#threads.giveBack(directory);
    const errors = new Map(failed.map(({ number, error }) => [number, error]));
    const again = new Set(unread);
    for (const [number, item] of items.entries()) {
      if (again.has(number)) continue;
      const error = errors.get(number);
      if (error !== undefined) {
        listener.failed(pathOf(item.task, item.entry), errorFromWire(error));
      }
      listener.completed(item);
    }
    if (again.size === 0) return;
    await this.#inline.write(items.filter((_, number) => again.has(number)));
  }

  async #endFile(file: FileInPieces): Promise<void> {
    const { counters, listener } = this.#options;
    const { item } = file;
    this.#open.delete(file);
    try {
      counters.restoredBytes += await file.finish(this.#contents);
      counters.restoredFileCount++;
    } catch (error) {
      listener.failed(pathOf(item.task, item.entry), error);
    } finally {
      this.#giveBackFor(item);
    }
    listener.completed(item);
  }
}
