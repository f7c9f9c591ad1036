import {
  ContentPlaces,
  openPlaceReader,
  readSetupOf,
  type ContentId,
  type ContentManager,
  type Repository,
} from "@kopia-engine/kopia-format";
import { JobPool } from "../threads/job-pool.ts";
import { threadPoolOptions, type ReadThreadOptions } from "../threads/read-threads.ts";
import { workerStarter } from "../threads/start-worker.ts";
import { runVerifyJob, type VerifyJob, type VerifyJobResult } from "./verify-job.ts";

// Beside this file: as source, compiled, or as an entry of the bundle.
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const startVerifyWorker = workerStarter(new URL(`./verify-worker.${EXTENSION}`, import.meta.url));

/** What came of contents that were pushed together. */
export interface ReadResult<Context> {
  readonly context: Context;
  readonly readCount: number;
  readonly readBytes: number;
  /** Contents that could not be read: the repository is to be asked why. */
  readonly unread: readonly ContentId[];
}

interface Pushed<Context> {
  readonly context: Context;
  /** By number of place. */
  readonly ids: readonly ContentId[];
  readonly missing: readonly ContentId[];
}

/** Contents read by threads to see whether they can be read; `Context` is given back with the result. */
export class ReadQueue<Context> {
  readonly #contents: ContentManager;
  readonly #pool: JobPool<VerifyJob, VerifyJobResult, Pushed<Context>>;

  private constructor(
    contents: ContentManager,
    pool: JobPool<VerifyJob, VerifyJobResult, Pushed<Context>>,
  ) {
    this.#contents = contents;
    this.#pool = pool;
  }

  /** A queue for this repository; `undefined` when only the repository itself can read it. */
  static async open<Context>(
    repository: Partial<Pick<Repository, "contents" | "storage" | "format">>,
    options: ReadThreadOptions,
  ): Promise<ReadQueue<Context> | undefined> {
    const setup = readSetupOf(repository);
    const { contents } = repository;
    if (setup === undefined || contents?.locate === undefined) return undefined;
    const reader = await openPlaceReader(setup);
    const pool = new JobPool<VerifyJob, VerifyJobResult, Pushed<Context>>({
      runHere: (job, stop) => runVerifyJob(reader, job, stop),
      init: { setup },
      ...threadPoolOptions(options, startVerifyWorker),
    });
    return new ReadQueue(contents, pool);
  }

  /**
   * Has contents read; in this very call when all threads have enough to do.
   * @param wanted IDs, each once, with the length that a content must have, or -1 for any.
   */
  async push(wanted: ReadonlyMap<ContentId, number>, context: Context): Promise<void> {
    await this.#contents.refreshIfOld();
    const places = new ContentPlaces();
    const ids: ContentId[] = [];
    const missing: ContentId[] = [];
    const lengths = new Float64Array(wanted.size);
    for (const [id, lengthBytes] of wanted) {
      if (this.#contents.locate?.(id, places) === true) {
        lengths[ids.length] = lengthBytes;
        ids.push(id);
      } else missing.push(id);
    }
    this.#pool.execute({ places: places.parts(), lengths }, { context, ids, missing });
  }

  /** Results since the last call. */
  takeFinished(): ReadResult<Context>[] {
    return this.#pool.takeFinished().map(({ context: { context, ids, missing }, result }) => {
      const unread = result.unread.map((number) => ids[number] as ContentId);
      return {
        context,
        readCount: ids.length - unread.length,
        readBytes: result.readBytes,
        unread: [...unread, ...missing],
      };
    });
  }

  /** Waits for a result. @returns false when none is there to be taken, and none is to come. */
  async next(): Promise<boolean> {
    return await this.#pool.wait();
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}
