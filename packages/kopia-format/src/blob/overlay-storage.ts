import type { Bytes } from "../base/bytes.ts";
import { isKopiaError } from "../base/errors.ts";
import { collectingWriter } from "./collecting-writer.ts";
import { ForwardingStorage } from "./forwarding-storage.ts";
import { MemoryStorage } from "./memory-storage.ts";
import type { BlobId, BlobMetadata, BlobRange, BlobStorage, BlobWriter } from "./storage.ts";

/**
 * Another storage as it would be after some changes: what is put or deleted stays in memory, and the other
 * storage is only read. For trying a repair before it is made.
 */
export class OverlayStorage extends ForwardingStorage {
  readonly #added = new MemoryStorage();
  readonly #deleted = new Set<BlobId>();
  readonly #closesInner: boolean;

  /** @param options `closesInner`: the other storage belongs to this one. Default: to the caller. */
  constructor(inner: BlobStorage, options: { readonly closesInner?: boolean } = {}) {
    super(inner);
    this.#closesInner = options.closesInner ?? false;
  }

  override get readOnly(): boolean {
    return false;
  }

  override async get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    return (await this.#homeOf(id)).get(id, range);
  }

  override async getMetadata(id: BlobId): Promise<BlobMetadata> {
    return (await this.#homeOf(id)).getMetadata(id);
  }

  override put(id: BlobId, data: Uint8Array): Promise<BlobMetadata> {
    this.#deleted.delete(id);
    return this.#added.put(id, data);
  }

  override openWriter(id: BlobId): BlobWriter {
    return collectingWriter(id, (data) => this.put(id, data));
  }

  override async delete(id: BlobId): Promise<void> {
    this.#deleted.add(id);
    await this.#added.delete(id);
  }

  override async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    const added = new Set<BlobId>();
    for await (const blob of this.#added.list(prefix)) {
      added.add(blob.id);
      yield blob;
    }
    for await (const blob of this.inner.list(prefix)) {
      if (!added.has(blob.id) && !this.#deleted.has(blob.id)) yield blob;
    }
  }

  override async close(): Promise<void> {
    await this.#added.close();
    if (this.#closesInner) await this.inner.close();
  }

  /** Where a blob is; a deleted one is looked for where it is not, for the right error. */
  async #homeOf(id: BlobId): Promise<BlobStorage> {
    if (this.#deleted.has(id)) return this.#added;
    try {
      await this.#added.getMetadata(id);
      return this.#added;
    } catch (error) {
      if (!isKopiaError(error, "BLOB_NOT_FOUND")) throw error;
      return this.inner;
    }
  }
}
