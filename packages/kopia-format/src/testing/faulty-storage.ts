import type { Bytes } from "../base/bytes.ts";
import { collectAsync } from "../base/collect-async.ts";
import { KopiaError } from "../base/errors.ts";
import { collectingWriter } from "../blob/collecting-writer.ts";
import type {
  BlobId,
  BlobMetadata,
  BlobRange,
  BlobStorage,
  BlobWriter,
  PutOptions,
} from "../blob/storage.ts";
import { ForwardingStorage } from "../blob/forwarding-storage.ts";

/** Operations that can go wrong. Committing a blob written in pieces is a `put`. */
export type FaultyOperation = "get" | "getMetadata" | "put" | "delete" | "list";

/**
 * What goes wrong:
 * - `fail`: the operation fails and has no effect;
 * - `failAfter`: it has its effect, but the caller sees a failure (a lost answer);
 * - `kill`: the process dies before it: no effect, and every later operation fails the same way;
 * - `killAfter`: the process dies right after it took effect;
 * - `tear`: a put leaves half of the blob behind, as storage without atomic puts could, and the process dies;
 *   other operations are killed;
 * - `repeat`: it happens twice.
 */
export type FaultKind = "fail" | "failAfter" | "kill" | "killAfter" | "tear" | "repeat";

/** One thing that goes wrong. */
export interface Fault {
  readonly kind: FaultKind;
  /** Which of the matching operations, counted from 1. Default 1. */
  readonly nth?: number;
  /** Only operations of these kinds count. Default all. */
  readonly operations?: readonly FaultyOperation[];
  /** Only operations on blobs (or list prefixes) that begin so count. Default all. */
  readonly idPrefix?: string;
  /** Goes wrong at the nth and at every later matching operation. Default false. */
  readonly persistent?: boolean;
  /** What is thrown. Default `KopiaError STORAGE_UNAVAILABLE`. */
  readonly error?: Error;
}

/** An operation that reached a `FaultyStorage`. */
export interface LoggedOperation {
  readonly operation: FaultyOperation;
  readonly id: string;
}

interface ActiveFault extends Fault {
  seen: number;
}

/**
 * Storage whose operations go wrong on demand, for tests of crashes and outages: kill a command at each of its
 * storage operations in turn, and look at what the inner storage then holds.
 *
 * @example
 * for (let nth = 1; ; nth++) {
 *   const faulty = new FaultyStorage(inner, [{ kind: "kill", nth }]);
 *   await command(faulty).catch(() => {});
 *   if (!faulty.killed) break; // it ran to its end
 *   await checkThatNothingIsLost(inner);
 * }
 */
export class FaultyStorage extends ForwardingStorage {
  readonly #faults: ActiveFault[];
  readonly #log: LoggedOperation[] = [];
  #killed = false;

  constructor(inner: BlobStorage, faults: readonly Fault[] = []) {
    super(inner);
    this.#faults = faults.map((fault) => ({ ...fault, seen: 0 }));
  }

  /** Whether a `kill` or `tear` has happened. */
  get killed(): boolean {
    return this.#killed;
  }

  /** Every operation so far, those that failed included. */
  get log(): readonly LoggedOperation[] {
    return this.#log;
  }

  /** Adds something that goes wrong from now on. */
  addFault(fault: Fault): void {
    this.#faults.push({ ...fault, seen: 0 });
  }

  /** Lets everything succeed from now on; a killed process stays dead. */
  clearFaults(): void {
    this.#faults.length = 0;
  }

  override get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    return this.#run({ operation: "get", id }, () => this.inner.get(id, range));
  }

  override getMetadata(id: BlobId): Promise<BlobMetadata> {
    return this.#run({ operation: "getMetadata", id }, () => this.inner.getMetadata(id));
  }

  override put(id: BlobId, data: Uint8Array, options?: PutOptions): Promise<BlobMetadata> {
    return this.#run(
      { operation: "put", id },
      () => this.inner.put(id, data, options),
      () => this.inner.put(id, data.subarray(0, data.length >> 1), options),
    );
  }

  /** Collects the pieces, so that a commit can be torn or repeated like a put. */
  override openWriter(id: BlobId): BlobWriter {
    if (this.inner.readOnly) return this.inner.openWriter(id);
    return collectingWriter(id, (data) => this.put(id, data));
  }

  override delete(id: BlobId): Promise<void> {
    return this.#run({ operation: "delete", id }, () => this.inner.delete(id));
  }

  override async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    yield* await this.#run({ operation: "list", id: prefix }, () =>
      collectAsync(this.inner.list(prefix)),
    );
  }

  async #run<Result>(
    logged: LoggedOperation,
    perform: () => Promise<Result>,
    performTorn?: () => Promise<unknown>,
  ): Promise<Result> {
    this.#log.push(logged);
    if (this.#killed) throw killedError(logged);
    const fault = this.#faultFor(logged);
    switch (fault?.kind) {
      case undefined:
        return perform();
      case "repeat":
        await perform();
        return perform();
      case "fail":
        throw fault.error ?? failure(logged);
      case "failAfter":
        await perform();
        throw fault.error ?? failure(logged);
      case "killAfter":
        this.#killed = true;
        await perform();
        throw fault.error ?? killedError(logged);
      case "tear":
        this.#killed = true;
        await performTorn?.();
        throw fault.error ?? killedError(logged);
      case "kill":
        this.#killed = true;
        throw fault.error ?? killedError(logged);
    }
  }

  #faultFor({ operation, id }: LoggedOperation): Fault | undefined {
    let due: Fault | undefined;
    for (const fault of this.#faults) {
      const { operations, idPrefix = "", nth = 1, persistent = false } = fault;
      if (operations?.includes(operation) === false || !id.startsWith(idPrefix)) continue;
      fault.seen++;
      if (fault.seen === nth || (persistent && fault.seen > nth)) due ??= fault;
    }
    return due;
  }
}

function failure({ operation, id }: LoggedOperation): KopiaError {
  return new KopiaError("STORAGE_UNAVAILABLE", `injected failure of ${operation} ${id}`, {
    details: { operation, blob: id },
  });
}

function killedError({ operation, id }: LoggedOperation): KopiaError {
  return new KopiaError("STORAGE_UNAVAILABLE", `the process was killed before ${operation} ${id}`, {
    details: { operation, blob: id, killed: true },
  });
}
