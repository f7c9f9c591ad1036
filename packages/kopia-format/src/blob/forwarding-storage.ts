import type { Bytes } from "../base/bytes.ts";
import type {
  BlobId,
  BlobMetadata,
  BlobRange,
  BlobStorage,
  BlobWriter,
  PutOptions,
  StorageCapacity,
} from "./storage.ts";

/** Passes every call on to another storage: the base of all wrappers, which override what they change. */
export abstract class ForwardingStorage implements BlobStorage {
  protected readonly inner: BlobStorage;

  constructor(inner: BlobStorage) {
    this.inner = inner;
  }

  get kind(): string {
    return this.inner.kind;
  }

  get displayName(): string {
    return this.inner.displayName;
  }

  get readOnly(): boolean {
    return this.inner.readOnly;
  }

  get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    return this.inner.get(id, range);
  }

  getMetadata(id: BlobId): Promise<BlobMetadata> {
    return this.inner.getMetadata(id);
  }

  put(id: BlobId, data: Uint8Array, options?: PutOptions): Promise<BlobMetadata> {
    return this.inner.put(id, data, options);
  }

  openWriter(id: BlobId): BlobWriter {
    return this.inner.openWriter(id);
  }

  delete(id: BlobId): Promise<void> {
    return this.inner.delete(id);
  }

  list(prefix: string): AsyncIterable<BlobMetadata> {
    return this.inner.list(prefix);
  }

  capacity(): Promise<StorageCapacity | undefined> {
    return this.inner.capacity();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

/** A writer that passes everything on and makes its blob visible through `commit`. */
export function withCommit(writer: BlobWriter, commit: () => Promise<BlobMetadata>): BlobWriter {
  return {
    id: writer.id,
    get lengthBytes() {
      return writer.lengthBytes;
    },
    append: (data) => writer.append(data),
    commit,
    abort: () => writer.abort(),
  };
}
