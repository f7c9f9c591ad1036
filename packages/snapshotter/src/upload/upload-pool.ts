import {
  KopiaError,
  errorFromWire,
  errorMessage,
  isKopiaError,
  type PackedContents,
  type PackingGrant,
  type PackingThreads,
  type SharedContentView,
  type ThreadSetup,
  type WriteSession,
} from "@kopia-engine/kopia-format";
import { FilePieceWriter, type FilePiece, type FilePieceResult } from "./file-piece.ts";
import { createInlineExecutor } from "./inline-executor.ts";
import { isLargeFile, storeLargeFile } from "./large-file.ts";
import type { StartUploadThread, UploadThreadPort } from "./start-upload-worker.ts";
import type {
  FromUploadThread,
  UploadThreadReplies,
  UploadThreadRequest,
} from "./thread-messages.ts";
import type {
  UploadActivity,
  UploadBatch,
  UploadBatchObserver,
  UploadExecutor,
  UploadItem,
  UploadItemResult,
  UploadSettings,
} from "./upload-executor.ts";

/** What an upload pool works with. */
export interface UploadPoolOptions {
  readonly session: WriteSession;
  readonly setup: ThreadSetup;
  /** Threads at most beside the calling one; each is started when all others are busy. */
  readonly maxThreads: number;
  readonly startThread: StartUploadThread;
}

interface Thread {
  readonly port: UploadThreadPort;
  /** Batches and pieces that it has and has not finished. */
  jobCount: number;
  /** Packed since its last grant, as it last told. */
  packedBytes: number;
  hasCrashed: boolean;
}

interface Job {
  readonly thread: Thread;
  readonly observer: UploadBatchObserver;
  isPaused: boolean;
  readonly resolve: (results: readonly UploadItemResult[]) => void;
  readonly reject: (error: unknown) => void;
}

interface PieceJob {
  readonly thread: Thread;
  readonly resolve: (result: FilePieceResult) => void;
  readonly reject: (error: unknown) => void;
}

interface Request {
  readonly thread: Thread;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Batches or pieces that a thread has at once: one at work, and more for the time that this thread is busy itself. */
const JOBS_PER_THREAD = 3;

/**
 * Gives batches to threads that each store files into packs of their own (design §4). The session
 * stays with the calling thread, which takes over their entries at every flush and at the end. It
 * stores files itself, too, when all threads have enough to do.
 * A thread that fails breaks the session: others may rely on what it was to store.
 */
export class UploadPool implements UploadExecutor, PackingThreads {
  readonly concurrency: number;
  readonly #options: UploadPoolOptions;
  readonly #inline: UploadExecutor;
  readonly #pieceWriter: FilePieceWriter;
  #inlineCount = 0;
  readonly #stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #threads: Thread[] = [];
  readonly #jobs = new Map<number, Job>();
  readonly #pieceJobs = new Map<number, PieceJob>();
  /** One large file at a time. */
  #lastLarge: Promise<unknown> = Promise.resolve();
  readonly #requests = new Map<number, Request>();
  #grant: PackingGrant | undefined;
  #lastId = 0;
  #failure: KopiaError | undefined;

  private constructor(options: UploadPoolOptions) {
    this.#options = options;
    this.#inline = createInlineExecutor(options.session);
    this.#pieceWriter = new FilePieceWriter(options.session.contents);
    // The caller waits when so many are in flight.
    this.concurrency = options.maxThreads * JOBS_PER_THREAD + 1;
  }

  /** @throws KopiaError `SESSION_BROKEN`, storage errors. */
  static async open(options: UploadPoolOptions): Promise<UploadPool> {
    const pool = new UploadPool(options);
    const grant = await options.session.contents.attachThreads(pool);
    // A flush may have followed at once.
    pool.#grant ??= grant;
    return pool;
  }

  activity(): UploadActivity {
    let busyCount = this.#inlineCount > 0 ? 1 : 0;
    let packedBytes = 0;
    for (const thread of this.#threads) {
      if (thread.jobCount > 0) busyCount++;
      packedBytes += thread.packedBytes;
    }
    return { busyCount, packedBytes };
  }

  async execute(
    batch: UploadBatch,
    observer: UploadBatchObserver,
  ): Promise<readonly UploadItemResult[]> {
    this.#assertWhole();
    const [item] = batch.items;
    const isAlone = item !== undefined && batch.items.length === 1;
    if (isAlone && isLargeFile(item, batch.settings))
      return await this.#executeLarge(batch, observer);
    const thread = this.#freeThread();
    if (thread === undefined) return await this.#executeInline(batch, observer);
    const id = ++this.#lastId;
    return await new Promise((resolve, reject) => {
      this.#jobs.set(id, { thread, observer, isPaused: false, resolve, reject });
      thread.jobCount++;
      thread.port.post({ type: "batch", id, batch });
    });
  }

  async #executeInline(
    batch: UploadBatch,
    observer: UploadBatchObserver,
  ): Promise<readonly UploadItemResult[]> {
    this.#inlineCount++;
    try {
      return await this.#inline.execute(batch, observer);
    } finally {
      this.#inlineCount--;
    }
  }

  async #executeLarge(
    { items, settings }: UploadBatch,
    observer: UploadBatchObserver,
  ): Promise<readonly UploadItemResult[]> {
    const { contents, objects } = this.#options.session;
    const [item] = items as readonly [UploadItem];
    const store = (): Promise<UploadItemResult> =>
      storeLargeFile({
        contents,
        objects,
        item,
        settings: settings[item.settings] as UploadSettings,
        observer,
        offer: (piece) => this.#offerPiece(piece),
        writer: this.#pieceWriter,
      });
    const stored = this.#lastLarge.then(store);
    this.#lastLarge = stored.catch(() => undefined);
    return [await stored];
  }

  #offerPiece(piece: FilePiece): Promise<FilePieceResult> | undefined {
    this.#assertWhole();
    const thread = this.#freeThread();
    if (thread === undefined) return undefined;
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pieceJobs.set(id, { thread, resolve, reject });
      thread.jobCount++;
      thread.port.post({ type: "piece", id, piece });
    });
  }

  async handOver(next: PackingGrant | undefined): Promise<readonly PackedContents[]> {
    this.#assertWhole();
    this.#grant = next;
    return await Promise.all(
      this.#threads.map(async (thread) => {
        const packed = await this.#ask(thread, { ask: "handOver", next });
        thread.packedBytes = 0;
        return packed;
      }),
    );
  }

  updateView(view: SharedContentView): void {
    if (this.#grant === undefined) return;
    this.#grant = { ...this.#grant, view };
    for (const { port } of this.#threads) port.post({ type: "view", view });
  }

  async close(): Promise<void> {
    try {
      if (this.#failure === undefined) await this.#options.session.contents.detachThreads();
      this.#assertWhole();
    } catch (error) {
      this.#fail(error);
      const alive = this.#threads.filter(({ hasCrashed }) => !hasCrashed);
      await Promise.allSettled(alive.map((thread) => this.#ask(thread, { ask: "abort" })));
      throw error;
    } finally {
      await Promise.all(this.#threads.map(({ port }) => port.terminate()));
    }
  }

  /** The thread with the least to do; a new one when all have something; none when all have enough. */
  #freeThread(): Thread | undefined {
    const [least] = this.#threads.toSorted((a, b) => a.jobCount - b.jobCount);
    if (least?.jobCount === 0) return least;
    if (this.#threads.length < this.#options.maxThreads) return this.#startThread();
    return least !== undefined && least.jobCount < JOBS_PER_THREAD ? least : undefined;
  }

  #startThread(): Thread {
    const { setup, startThread } = this.#options;
    if (this.#grant === undefined) {
      throw new KopiaError("REPOSITORY_CLOSED", "this upload pool is closed");
    }
    const port = startThread(
      { setup, grant: this.#grant, stop: this.#stop },
      {
        message: (message) => this.#receive(thread, message),
        crashed: (error) => this.#crashed(thread, error),
      },
    );
    const thread: Thread = { port, jobCount: 0, packedBytes: 0, hasCrashed: false };
    this.#threads.push(thread);
    return thread;
  }

  #ask<Ask extends keyof UploadThreadReplies>(
    thread: Thread,
    message: UploadThreadRequest & { readonly ask: Ask },
  ): Promise<UploadThreadReplies[Ask]> {
    const request = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#requests.set(request, { thread, resolve, reject });
      thread.port.post({ type: "request", request, ...message });
    });
  }

  #receive(thread: Thread, message: FromUploadThread): void {
    switch (message.type) {
      case "pause":
        return this.#pause(message);
      case "result":
        return this.#finish(message);
      case "piece": {
        const job = this.#pieceJobs.get(message.id);
        if (job === undefined) return;
        this.#pieceJobs.delete(message.id);
        job.thread.jobCount--;
        job.thread.packedBytes = message.packedBytes;
        return job.resolve(message.result);
      }
      case "reply": {
        const request = this.#requests.get(message.request);
        this.#requests.delete(message.request);
        return request?.resolve(message.value as never);
      }
      case "failed":
        return this.#crashed(thread, errorFromWire(message.error));
    }
  }

  #pause(message: Extract<FromUploadThread, { type: "pause" }>): void {
    const { id, item, readBytes } = message;
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    const { thread, observer } = job;
    this.#count(job, readBytes);
    job.isPaused = true;
    const checkpoint = async (): Promise<string> =>
      job.isPaused ? await this.#ask(thread, { ask: "checkpoint", id }) : "";
    const pause = async (): Promise<void> => {
      await this.#options.session.contents.settle();
      await observer.pause({ item, checkpoint });
    };
    pause()
      .catch((error: unknown) => {
        // The rest of the batch is not wanted any more.
        Atomics.store(this.#stop, 0, 1);
        job.reject(error);
      })
      .finally(() => {
        job.isPaused = false;
        thread.port.post({ type: "resume", id });
      });
  }

  #finish(message: Extract<FromUploadThread, { type: "result" }>): void {
    const job = this.#jobs.get(message.id);
    if (job === undefined) return;
    this.#jobs.delete(message.id);
    job.thread.jobCount--;
    job.thread.packedBytes = message.packedBytes;
    this.#count(job, message.readBytes);
    job.resolve(message.results);
  }

  #count(job: Job, readBytes: number): void {
    if (!job.observer.readBytes(readBytes)) Atomics.store(this.#stop, 0, 1);
  }

  #crashed(thread: Thread, error: unknown): void {
    thread.hasCrashed = true;
    this.#fail(error);
    for (const [id, request] of this.#requests) {
      if (request.thread !== thread) continue;
      this.#requests.delete(id);
      request.reject(this.#failure);
    }
  }

  #fail(cause: unknown): void {
    if (this.#failure !== undefined) return;
    const error = isKopiaError(cause)
      ? cause
      : new KopiaError("SESSION_BROKEN", `an upload thread failed: ${errorMessage(cause)}`, {
          cause,
        });
    this.#failure = error;
    Atomics.store(this.#stop, 0, 1);
    this.#options.session.contents.failThreads(error);
    for (const jobs of [this.#jobs, this.#pieceJobs]) {
      for (const job of jobs.values()) job.reject(error);
      jobs.clear();
    }
  }

  #assertWhole(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
