import {
  KopiaError,
  copyBytes,
  type BlobMetadata,
  type BlobRange,
  type BlobStorage,
  type BlobWriter,
  type Bytes,
} from "@kopia-engine/kopia-format";
import type { SharedStorage } from "./shared-storage.ts";
import type { SimulatedTime } from "./simulated-time.ts";

/** What may happen to one operation. */
export type Fate =
  | { readonly kind: "none" }
  /** Takes effect after `beforeNs`; the answer comes `afterNs` later. */
  | { readonly kind: "slow"; readonly beforeNs: number; readonly afterNs: number }
  /** The caller sees a failure; with `takesEffect` a lost answer. */
  | { readonly kind: "fail"; readonly takesEffect: boolean }
  /** The put succeeds, but only a part of the blob is stored. */
  | { readonly kind: "damage" }
  /** The client dies: before the effect, after it, in the middle of a put, or `lateNs` before it takes effect. */
  | {
      readonly kind: "kill";
      readonly effect: "none" | "whole" | "torn" | "late";
      readonly lateNs: number;
    };

/** One operation of a client. */
export interface ClientOperation {
  readonly kind: "get" | "getMetadata" | "put" | "delete" | "list";
  readonly id: string;
}

/** How a client meets the storage. */
export interface ClientStorageOptions {
  readonly shared: SharedStorage;
  readonly time: SimulatedTime;
  readonly client: string;
  readonly wait: (durationNs: number) => Promise<void>;
  /** Listings show what others did this long ago. */
  readonly listLagNs: number;
  readonly fateOf: (operation: ClientOperation) => Fate;
  readonly onFate: (operation: ClientOperation, fate: Fate) => void;
  /** Whether what still waits is to be given up. */
  readonly isClosed: () => boolean;
  /** Told about every put and delete that took effect. */
  readonly onChange: (operation: ClientOperation) => void;
}

/** The shared storage as one process sees it: slow, failing, with stale listings, until it is killed. */
export class ClientStorage implements BlobStorage {
  readonly kind = "simulated";
  readonly displayName = "Simulated";
  readonly readOnly = false;
  readonly #options: ClientStorageOptions;
  #killed = false;
  #disturbed = false;

  constructor(options: ClientStorageOptions) {
    this.#options = options;
  }

  /** Whether the process that uses it is dead. */
  get killed(): boolean {
    return this.#killed;
  }

  /** Whether anything failed or was slow: then errors of the process are expected. */
  get disturbed(): boolean {
    return this.#disturbed;
  }

  get(id: string, range?: BlobRange): Promise<Bytes> {
    return this.#run({ kind: "get", id }, () => {
      const { data } = this.#options.shared.find(id);
      if (range === undefined) return copyBytes(data);
      const { offsetBytes, lengthBytes } = range;
      if (offsetBytes + lengthBytes > data.length) {
        throw new KopiaError("STORAGE_RANGE", `blob ${id} has ${data.length} bytes only`);
      }
      return data.slice(offsetBytes, offsetBytes + lengthBytes);
    });
  }

  getMetadata(id: string): Promise<BlobMetadata> {
    return this.#run({ kind: "getMetadata", id }, () => this.#options.shared.find(id).metadata);
  }

  put(id: string, data: Uint8Array): Promise<BlobMetadata> {
    const { shared, client } = this.#options;
    const copy = copyBytes(data);
    return this.#run(
      { kind: "put", id },
      () => shared.put(client, id, copy),
      () => shared.putTorn(client, id, copy),
    );
  }

  openWriter(id: string): BlobWriter {
    const pieces: Bytes[] = [];
    let lengthBytes = 0;
    return {
      id,
      get lengthBytes() {
        return lengthBytes;
      },
      append: (data) => {
        pieces.push(copyBytes(data));
        lengthBytes += data.length;
      },
      commit: () => this.put(id, Buffer.concat(pieces)),
      abort: async () => {},
    };
  }

  delete(id: string): Promise<void> {
    const { shared, client } = this.#options;
    return this.#run({ kind: "delete", id }, () => shared.delete(client, id));
  }

  async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    const { shared, client, listLagNs } = this.#options;
    yield* await this.#run({ kind: "list", id: prefix }, () =>
      shared.list(prefix, client, listLagNs),
    );
  }

  async capacity(): Promise<undefined> {}

  async close(): Promise<void> {}

  async #run<Result>(
    operation: ClientOperation,
    act: () => Result,
    performTorn?: () => void,
  ): Promise<Result> {
    const isWrite = operation.kind === "put" || operation.kind === "delete";
    const perform = (): Result => {
      const result = act();
      if (isWrite) this.#options.onChange(operation);
      return result;
    };
    if (this.#killed) throw killed(operation);
    const fate = this.#options.fateOf(operation);
    if (fate.kind === "none") return perform();
    this.#disturbed = true;
    this.#options.onFate(operation, fate);
    if (fate.kind === "slow") {
      await this.#options.wait(fate.beforeNs);
      if (this.#options.isClosed()) throw killed(operation);
      const result = perform();
      await this.#options.wait(fate.afterNs);
      if (this.#killed) throw killed(operation);
      return result;
    }
    if (fate.kind === "fail") {
      if (fate.takesEffect) perform();
      throw new KopiaError("STORAGE_UNAVAILABLE", `${operation.kind} ${operation.id} failed`);
    }
    if (fate.kind === "damage") {
      const result = perform();
      performTorn?.();
      return result;
    }
    this.#killed = true;
    if (fate.effect === "whole" && isWrite) perform();
    if (fate.effect === "torn") performTorn?.();
    if (fate.effect === "late" && isWrite) {
      this.#options.time.later(fate.lateNs, () => {
        perform();
      });
    }
    throw killed(operation);
  }
}

function killed({ kind, id }: ClientOperation): KopiaError {
  return new KopiaError("STORAGE_UNAVAILABLE", `the process died at ${kind} ${id}`);
}
