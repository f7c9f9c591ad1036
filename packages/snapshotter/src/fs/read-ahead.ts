import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { ListedDirectory, type ListingColumns } from "./listed-directory.ts";
import type { LocalPath } from "./local-path.ts";

/** States of a request, in shared memory. */
export const REQUEST_STATE = { free: 0, waiting: 1, taken: 2, done: 3, withdrawn: 4 } as const;

/** To the listing thread, several in one message. */
export interface ListRequest {
  readonly slot: number;
  readonly path: string;
}

/** From the listing thread; without columns when the directory cannot be listed. */
export interface ListReply {
  readonly slot: number;
  readonly columns: ListingColumns | undefined;
}

/** A running listing thread. */
export interface ListThread {
  readonly port: MessagePort;
  terminate(): Promise<unknown>;
}

/** Starts a listing thread over the states of its requests; `onEnd` is called should it end by itself. */
export type StartListThread = (states: Int32Array, onEnd: () => void) => ListThread;

const SLOTS = 64;
/** A thread that is not done by then is left alone: the directory is listed once more. */
const MAX_WAIT_MS = 10_000;

/**
 * Directories that will be wanted are listed by another thread. What it has not begun when it is wanted is
 * listed by the caller: nobody waits for work that is still to come. Without the thread, and after it has
 * ended, nothing is known ahead and everything works all the same.
 */
export class ReadAhead {
  readonly #states = new Int32Array(new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT));
  readonly #slots = new Map<string, number>();
  readonly #replies = new Map<number, ListReply>();
  readonly #thread: ListThread;
  #nextSlot = 0;
  #isGone = false;

  constructor(startThread: StartListThread) {
    this.#thread = startThread(this.#states, () => {
      this.#isGone = true;
    });
  }

  /**
   * Asks for directories, all in one message: waking the other thread costs more than listing some.
   * Gives how many of them were taken, from the first; the others may be asked for later.
   */
  request(paths: readonly LocalPath[]): number {
    if (this.#isGone) return paths.length;
    const requests: ListRequest[] = [];
    let taken = 0;
    for (const path of paths) {
      if (typeof path === "string" && !this.#slots.has(path)) {
        const slot = this.#freeSlot();
        if (slot === undefined) break;
        Atomics.store(this.#states, slot, REQUEST_STATE.waiting);
        this.#slots.set(path, slot);
        requests.push({ slot, path });
      }
      taken++;
    }
    if (requests.length > 0) this.#thread.port.postMessage(requests, []);
    return taken;
  }

  /** The listing of a directory that was asked for; `undefined` when the caller has to list it. */
  take(path: LocalPath): ListedDirectory | undefined {
    if (typeof path !== "string") return undefined;
    const slot = this.#slots.get(path);
    if (slot === undefined) return undefined;
    this.#slots.delete(path);
    const { waiting, withdrawn } = REQUEST_STATE;
    if (Atomics.compareExchange(this.#states, slot, waiting, withdrawn) === waiting) {
      return undefined;
    }
    const columns = this.#reply(slot)?.columns;
    return columns === undefined ? undefined : new ListedDirectory(columns);
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    this.#isGone = true;
    await this.#thread.terminate();
  }

  /** Slots of directories further up are held until those are entered; others come and go. */
  #freeSlot(): number | undefined {
    for (let tried = 0; tried < SLOTS; tried++) {
      const slot = this.#nextSlot;
      this.#nextSlot = (slot + 1) % SLOTS;
      if (Atomics.load(this.#states, slot) === REQUEST_STATE.free) return slot;
    }
    return undefined;
  }

  #reply(slot: number): ListReply | undefined {
    const { taken, free } = REQUEST_STATE;
    if (this.#isGone) return undefined;
    if (Atomics.wait(this.#states, slot, taken, MAX_WAIT_MS) === "timed-out") {
      this.#isGone = true;
      return undefined;
    }
    while (!this.#replies.has(slot)) {
      const received = receiveMessageOnPort(this.#thread.port);
      if (received === undefined) return undefined;
      const reply = received.message as ListReply;
      this.#replies.set(reply.slot, reply);
    }
    const reply = this.#replies.get(slot);
    this.#replies.delete(slot);
    Atomics.store(this.#states, slot, free);
    return reply;
  }
}
