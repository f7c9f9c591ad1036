import type { Bytes } from "../../src/base/bytes.ts";
import { KopiaError } from "../../src/base/errors.ts";
import type {
  BlobId,
  BlobMetadata,
  BlobRange,
  BlobStorage,
  BlobWriter,
  StorageCapacity,
} from "../../src/blob/storage.ts";

/** When the process dies. */
export interface Death {
  /** The operation that is the last one, counted from 1. */
  readonly atOperation: number;
  /** Whether that operation still has its effect. */
  readonly effect: "before" | "after";
}

/** Storage of a process that dies at one operation: it fails, and everything after it as well. */
export class DyingStorage implements BlobStorage {
  readonly kind = "dying";
  readonly displayName = "dying";
  readonly readOnly = false;
  /** Operations so far, with the blob: `put s…`. */
  readonly operations: string[] = [];
  readonly #inner: BlobStorage;
  readonly #death: Death | undefined;

  constructor(inner: BlobStorage, death?: Death) {
    this.#inner = inner;
    this.#death = death;
  }

  get isDead(): boolean {
    return this.#death !== undefined && this.operations.length >= this.#death.atOperation;
  }

  get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    return this.#run(`get ${id}`, () => this.#inner.get(id, range));
  }

  getMetadata(id: BlobId): Promise<BlobMetadata> {
    return this.#run(`getMetadata ${id}`, () => this.#inner.getMetadata(id));
  }

  put(id: BlobId, data: Uint8Array): Promise<BlobMetadata> {
    return this.#run(`put ${id}`, () => this.#inner.put(id, data));
  }

  delete(id: BlobId): Promise<void> {
    return this.#run(`delete ${id}`, () => this.#inner.delete(id));
  }

  async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    this.#begin(`list ${prefix}`);
    yield* this.#inner.list(prefix);
  }

  openWriter(id: BlobId): BlobWriter {
    this.#begin(`open ${id}`);
    const inner = this.#inner.openWriter(id);
    return {
      id,
      get lengthBytes() {
        return inner.lengthBytes;
      },
      append: (data) => {
        this.#begin(`append ${id}`);
        inner.append(data);
      },
      commit: () => this.#run(`commit ${id}`, () => inner.commit()),
      abort: async () => {
        // A dead process cleans nothing up.
        if (!this.isDead) await inner.abort();
      },
    };
  }

  async capacity(): Promise<StorageCapacity | undefined> {
    return undefined;
  }

  async close(): Promise<void> {}

  async #run<Result>(operation: string, run: () => Promise<Result>): Promise<Result> {
    const dies = this.#count(operation);
    if (dies && this.#death?.effect === "before") throw died(operation);
    const result = await run();
    if (dies) throw died(operation);
    return result;
  }

  #begin(operation: string): void {
    if (this.#count(operation)) throw died(operation);
  }

  #count(operation: string): boolean {
    if (this.isDead) throw died(operation);
    this.operations.push(operation);
    return this.operations.length === this.#death?.atOperation;
  }
}

function died(operation: string): KopiaError {
  return new KopiaError("STORAGE_UNAVAILABLE", `dead at ${operation}`);
}
