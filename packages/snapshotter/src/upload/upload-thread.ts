import {
  KopiaError,
  errorMessage,
  errorToWire,
  isKopiaError,
  type ThreadSession,
} from "@kopia-engine/kopia-format";
import { FilePieceWriter } from "./file-piece.ts";
import { createInlineExecutor } from "./inline-executor.ts";
import type { FromUploadThread, ToUploadThread } from "./thread-messages.ts";
import type { PartialUpload, UploadBatch, UploadExecutor } from "./upload-executor.ts";

/** Posts a message to the pool; the buffers change hands. */
export type PostToPool = (message: FromUploadThread, transfer?: readonly ArrayBuffer[]) => void;

/** A batch at work. */
interface Job {
  unreportedBytes: number;
  /** While the file pauses. */
  partial: PartialUpload | undefined;
  resume: (() => void) | undefined;
}

/** What an upload thread does, whatever thread that is: it answers messages, and never throws. */
export class UploadThread {
  readonly #session: ThreadSession;
  readonly #stop: Int32Array;
  readonly #post: PostToPool;
  readonly #executor: UploadExecutor;
  readonly #pieces: FilePieceWriter;
  readonly #jobs = new Map<number, Job>();

  constructor(options: {
    readonly session: ThreadSession;
    readonly stop: Int32Array;
    readonly post: PostToPool;
  }) {
    this.#session = options.session;
    this.#stop = options.stop;
    this.#post = options.post;
    this.#executor = createInlineExecutor(options.session);
    this.#pieces = new FilePieceWriter(options.session.contents);
  }

  receive(message: ToUploadThread): void {
    this.#receive(message).catch((error: unknown) => this.#post(failure(error)));
  }

  async #receive(message: ToUploadThread): Promise<void> {
    switch (message.type) {
      case "batch":
        return await this.#execute(message.id, message.batch);
      case "piece": {
        const result = this.#pieces.store(message.piece);
        await this.#session.contents.settle();
        const packedBytes = this.#session.packedBytes();
        return this.#post({ type: "piece", id: message.id, packedBytes, result });
      }
      case "resume":
        return this.#jobs.get(message.id)?.resume?.();
      case "view":
        return this.#session.updateView(message.view);
      case "request":
        return await this.#answer(message);
    }
  }

  async #execute(id: number, batch: UploadBatch): Promise<void> {
    const job: Job = { unreportedBytes: 0, partial: undefined, resume: undefined };
    this.#jobs.set(id, job);
    const results = await this.#executor.execute(batch, {
      readBytes: (lengthBytes) => {
        job.unreportedBytes += lengthBytes;
        return Atomics.load(this.#stop, 0) === 0;
      },
      pause: (partial) => (partial === undefined ? nextTurn() : this.#pause(id, job, partial)),
    });
    this.#jobs.delete(id);
    const packedBytes = this.#session.packedBytes();
    this.#post({ type: "result", id, readBytes: job.unreportedBytes, packedBytes, results });
  }

  /** Waits for the pool, which may want the file as it is so far. */
  async #pause(id: number, job: Job, partial: PartialUpload): Promise<void> {
    job.partial = partial;
    await new Promise<void>((resolve) => {
      job.resume = resolve;
      this.#post({ type: "pause", id, readBytes: job.unreportedBytes, item: partial.item });
      job.unreportedBytes = 0;
    });
    job.partial = undefined;
    job.resume = undefined;
  }

  async #answer(message: Extract<ToUploadThread, { type: "request" }>): Promise<void> {
    const { request } = message;
    switch (message.ask) {
      case "checkpoint": {
        const value = (await this.#jobs.get(message.id)?.partial?.checkpoint()) ?? "";
        return this.#post({ type: "reply", request, value });
      }
      case "handOver": {
        const value = await this.#session.handOver(message.next);
        const transfer = value.entries.chunks.map(({ buffer }) => buffer);
        return this.#post({ type: "reply", request, value }, transfer);
      }
      case "abort":
        await this.#session.abort();
        return this.#post({ type: "reply", request, value: undefined });
    }
  }
}

/** The message of a thread that cannot go on. */
export function failure(error: unknown): FromUploadThread {
  const reported = isKopiaError(error)
    ? error
    : new KopiaError("SESSION_BROKEN", `an upload thread failed: ${errorMessage(error)}`, {
        cause: error,
      });
  return { type: "failed", error: errorToWire(reported) };
}

/** Lets messages and finished storage operations have their turn. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
