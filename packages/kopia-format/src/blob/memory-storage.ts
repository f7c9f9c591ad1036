import type { Bytes } from "../base/bytes.ts";
import { copyBytes } from "../base/bytes.ts";
import { systemClock, type Clock, type TimeNs } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import { collectingWriter } from "./collecting-writer.ts";
import { rangeOf } from "./range.ts";
import type {
  BlobId,
  BlobMetadata,
  BlobRange,
  BlobStorage,
  BlobWriter,
  PutOptions,
} from "./storage.ts";

interface StoredBlob {
  readonly data: Bytes;
  readonly timestamp: TimeNs;
}

/** Blob storage in memory, for tests and examples: keeps the whole contract, copies bytes in and out. */
export class MemoryStorage implements BlobStorage {
  readonly kind = "memory";
  readonly displayName = "Memory";
  readonly readOnly = false;
  readonly #blobs = new Map<BlobId, StoredBlob>();
  readonly #clock: Clock;

  constructor(options: { readonly clock?: Clock } = {}) {
    this.#clock = options.clock ?? systemClock;
  }

  // oxlint-disable-next-line require-await -- the contract is asynchronous
  async get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    const { data } = this.#find(id);
    if (range === undefined) return copyBytes(data);
    const { start, end } = rangeOf(id, data.length, range);
    return data.slice(start, end);
  }

  // oxlint-disable-next-line require-await -- the contract is asynchronous
  async getMetadata(id: BlobId): Promise<BlobMetadata> {
    return metadataOf(id, this.#find(id));
  }

  // oxlint-disable-next-line require-await -- the contract is asynchronous
  async put(id: BlobId, data: Uint8Array, options: PutOptions = {}): Promise<BlobMetadata> {
    const blob = { data: copyBytes(data), timestamp: options.timestamp ?? this.#clock.now() };
    this.#blobs.set(id, blob);
    return metadataOf(id, blob);
  }

  openWriter(id: BlobId): BlobWriter {
    return collectingWriter(id, (data) => this.put(id, data));
  }

  // oxlint-disable-next-line require-await -- the contract is asynchronous
  async delete(id: BlobId): Promise<void> {
    this.#blobs.delete(id);
  }

  async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    for (const [id, blob] of this.#blobs) {
      if (id.startsWith(prefix)) yield metadataOf(id, blob);
    }
  }

  async capacity(): Promise<undefined> {}

  async close(): Promise<void> {}

  #find(id: BlobId): StoredBlob {
    const blob = this.#blobs.get(id);
    if (blob !== undefined) return blob;
    throw new KopiaError("BLOB_NOT_FOUND", `blob ${id} is not in storage`, {
      details: { blob: id },
    });
  }
}

function metadataOf(id: BlobId, blob: StoredBlob): BlobMetadata {
  return { id, lengthBytes: blob.data.length, timestamp: blob.timestamp };
}
