import type { Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import type {
  BlobId,
  BlobMetadata,
  BlobRange,
  BlobStorage,
  BlobWriter,
  StorageCapacity,
} from "./storage.ts";

/** Lets nothing be changed: put, write and delete fail with `STORAGE_READ_ONLY`, everything else passes through. */
export class ReadOnlyStorage implements BlobStorage {
  readonly readOnly = true;
  readonly #inner: BlobStorage;

  constructor(inner: BlobStorage) {
    this.#inner = inner;
  }

  get kind(): string {
    return this.#inner.kind;
  }

  get displayName(): string {
    return this.#inner.displayName;
  }

  get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    return this.#inner.get(id, range);
  }

  getMetadata(id: BlobId): Promise<BlobMetadata> {
    return this.#inner.getMetadata(id);
  }

  put(id: BlobId): Promise<BlobMetadata> {
    return Promise.reject(readOnlyError("write", id));
  }

  openWriter(id: BlobId): BlobWriter {
    throw readOnlyError("write", id);
  }

  delete(id: BlobId): Promise<void> {
    return Promise.reject(readOnlyError("delete", id));
  }

  list(prefix: string): AsyncIterable<BlobMetadata> {
    return this.#inner.list(prefix);
  }

  capacity(): Promise<StorageCapacity | undefined> {
    return this.#inner.capacity();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

function readOnlyError(action: string, id: BlobId): KopiaError {
  return new KopiaError(
    "STORAGE_READ_ONLY",
    `cannot ${action} blob ${id}: the storage is read-only`,
    {
      details: { blob: id },
    },
  );
}
