import type { Bytes } from "../base/bytes.ts";
import type { BlobId, BlobMetadata, BlobRange, BlobWriter, PutOptions } from "./storage.ts";
import { ForwardingStorage, withCommit } from "./forwarding-storage.ts";

/** Operations that are counted. A blob written in pieces counts as `put` when it is committed. */
export type StorageOperation = "get" | "getMetadata" | "put" | "delete" | "list";

/** What was done through a `MeteredStorage`. */
export interface StorageMetrics {
  /** Operations started, failed ones included. */
  readonly operations: Readonly<Record<StorageOperation, number>>;
  /** Operations that failed. */
  readonly errors: Readonly<Record<StorageOperation, number>>;
  /** Bytes that get returned. */
  readonly readBytes: number;
  /** Bytes of blobs that were put or committed. */
  readonly writtenBytes: number;
  /** Blobs that list returned. */
  readonly listedBlobs: number;
}

/** Counts operations and bytes. */
export class MeteredStorage extends ForwardingStorage {
  readonly #operations = zeroCounts();
  readonly #errors = zeroCounts();
  #readBytes = 0;
  #writtenBytes = 0;
  #listedBlobs = 0;

  /** The counts until now. */
  get metrics(): StorageMetrics {
    return {
      operations: { ...this.#operations },
      errors: { ...this.#errors },
      readBytes: this.#readBytes,
      writtenBytes: this.#writtenBytes,
      listedBlobs: this.#listedBlobs,
    };
  }

  override async get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    const data = await this.#count("get", () => this.inner.get(id, range));
    this.#readBytes += data.length;
    return data;
  }

  override getMetadata(id: BlobId): Promise<BlobMetadata> {
    return this.#count("getMetadata", () => this.inner.getMetadata(id));
  }

  override async put(id: BlobId, data: Uint8Array, options?: PutOptions): Promise<BlobMetadata> {
    const blob = await this.#count("put", () => this.inner.put(id, data, options));
    this.#writtenBytes += data.length;
    return blob;
  }

  override openWriter(id: BlobId): BlobWriter {
    const writer = this.inner.openWriter(id);
    return withCommit(writer, async () => {
      const blob = await this.#count("put", () => writer.commit());
      this.#writtenBytes += blob.lengthBytes;
      return blob;
    });
  }

  override delete(id: BlobId): Promise<void> {
    return this.#count("delete", () => this.inner.delete(id));
  }

  override async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    this.#operations.list++;
    try {
      for await (const blob of this.inner.list(prefix)) {
        this.#listedBlobs++;
        yield blob;
      }
    } catch (error) {
      this.#errors.list++;
      throw error;
    }
  }

  async #count<Result>(operation: StorageOperation, run: () => Promise<Result>): Promise<Result> {
    this.#operations[operation]++;
    try {
      return await run();
    } catch (error) {
      this.#errors[operation]++;
      throw error;
    }
  }
}

function zeroCounts(): Record<StorageOperation, number> {
  return { get: 0, getMetadata: 0, put: 0, delete: 0, list: 0 };
}
