import {
  ContentPlaces,
  openPlaceReader,
  readSetupOf,
  type Repository,
} from "@kopia-engine/kopia-format";
import { JobPool } from "../threads/job-pool.ts";
import { threadPoolOptions, type ReadThreadOptions } from "../threads/read-threads.ts";
import { workerStarter } from "../threads/start-worker.ts";
import {
  type ExaminedPath,
  type ExamineJob,
  type Examined,
  examineDirectories,
} from "./examine-job.ts";

// Beside this file: as source, compiled, or as an entry of the bundle.
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const startExamineWorker = workerStarter(new URL(`./examine-worker.${EXTENSION}`, import.meta.url));

/** A job is large enough to be worth a message, and small enough to leave some for every thread. */
const FILES_PER_JOB = 512;
const DIRECTORIES_PER_JOB = 32;
/** The calling thread looks for answers only between other things: a thread must not run out of jobs until then. */
const JOBS_PER_THREAD = 5;

/** A directory that was examined, with what was given along with it. */
export interface ExaminedDirectory<Context> {
  readonly context: Context;
  readonly examined: Examined;
}

/**
 * Has directories compared with their listings in a previous snapshot by other threads, and by the calling one when
 * those have enough to do.
 */
export class DirectoryExaminer<Context> {
  readonly #contents: Repository["contents"];
  readonly #pool: JobPool<ExamineJob, readonly Examined[], readonly Context[]>;
  #places = new ContentPlaces();
  #directories: ExaminedPath[] = [];
  #contexts: Context[] = [];
  #fileCount = 0;
  /** Directories whose results were not taken yet. */
  readonly #open = new Set<Context>();

  private constructor(
    contents: Repository["contents"],
    pool: JobPool<ExamineJob, readonly Examined[], readonly Context[]>,
  ) {
    this.#contents = contents;
    this.#pool = pool;
  }

  /** An examiner for this repository; `undefined` when only the repository itself can read it. */
  static async open<Context>(
    repository: Repository,
    options: ReadThreadOptions,
  ): Promise<DirectoryExaminer<Context> | undefined> {
    const setup = readSetupOf(repository, { useCache: true });
    const { contents } = repository;
    if (setup === undefined || contents.locate === undefined) return undefined;
    const reader = await openPlaceReader(setup);
    const pool = new JobPool<ExamineJob, readonly Examined[], readonly Context[]>({
      runHere: (job, stop) => examineDirectories(reader, job, stop),
      init: { setup },
      jobsPerThread: JOBS_PER_THREAD,
      ...threadPoolOptions(options, startExamineWorker),
    });
    pool.prepare();
    return new DirectoryExaminer(contents, pool);
  }

  /** Whether directories are to be examined whose results were not taken yet. */
  get hasOpen(): boolean {
    return this.#open.size > 0;
  }

  /**
   * Takes a directory over, to be examined with others.
   * @param previous its listing, one content, and the number of files that this says.
   * @returns false when that listing is not there.
   */
  add(
    directory: ExaminedPath,
    previous: { readonly contentId: string; readonly fileCount: number },
    context: Context,
  ): boolean {
    if (this.#contents.locate?.(previous.contentId, this.#places) !== true) return false;
    this.#directories.push(directory);
    this.#contexts.push(context);
    this.#open.add(context);
    this.#fileCount += previous.fileCount;
    return true;
  }

  /** Whether enough was added for a job. */
  get isFull(): boolean {
    return this.#fileCount >= FILES_PER_JOB || this.#directories.length >= DIRECTORIES_PER_JOB;
  }

  /** Has examined what was added, in this very call when all threads have enough to do. */
  start(): void {
    if (this.#directories.length === 0) return;
    const job = { directories: this.#directories, listings: this.#places.parts() };
    const contexts = this.#contexts;
    this.#forget();
    this.#pool.execute(job, contexts);
  }

  /** Results since the last call. */
  take(): ExaminedDirectory<Context>[] {
    return this.#pool.takeFinished().flatMap(({ context: contexts, result }) =>
      contexts.flatMap((context, index) =>
        // What was dropped is nobody's any more.
        this.#open.delete(context) ? [{ context, examined: result[index] as Examined }] : [],
      ),
    );
  }

  /** Waits for a result. @returns false when none is there to be taken, and none is to come. */
  async wait(): Promise<boolean> {
    return await this.#pool.wait();
  }

  /** Gives up what was not taken, and gives it back. */
  drop(): Context[] {
    const dropped = [...this.#open];
    this.#open.clear();
    this.#forget();
    return dropped;
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  #forget(): void {
    this.#places = new ContentPlaces();
    this.#directories = [];
    this.#contexts = [];
    this.#fileCount = 0;
  }
}
