import type { Bytes } from "../base/bytes.ts";
import { collectingWriter } from "./collecting-writer.ts";
import { ForwardingStorage } from "./forwarding-storage.ts";
import { MemoryStorage } from "./memory-storage.ts";
import type {
  BlobId,
  BlobMetadata,
  BlobRange,
  BlobStorage,
  BlobWriter,
  PutOptions,
} from "./storage.ts";

/**
 * Another storage as it would be after some changes: what is put or deleted stays in memory, and the other
 * storage is only read. For trying a repair before it is made.
 */
export class OverlayStorage extends ForwardingStorage {
  readonly #added = new MemoryStorage();
  /** Put or deleted here. */
  readonly #changed = new Set<BlobId>();
  readonly #closesInner: boolean;

  /** @param options `closesInner`: the other storage belongs to this one. Default: to the caller. */
  constructor(inner: BlobStorage, options: { readonly closesInner?: boolean } = {}) {
    super(inner);
    this.#closesInner = options.closesInner ?? false;
  }

  override get readOnly(): boolean {
    return false;
  }

  override get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    return this.#homeOf(id).get(id, range);
  }

  override getMetadata(id: BlobId): Promise<BlobMetadata> {
    return this.#homeOf(id).getMetadata(id);
  }

  override put(id: BlobId, data: Uint8Array, options?: PutOptions): Promise<BlobMetadata> {
    this.#changed.add(id);
    return this.#added.put(id, data, options);
  }

  override openWriter(id: BlobId): BlobWriter {
    return collectingWriter(id, (data) => this.put(id, data));
  }

  override delete(id: BlobId): Promise<void> {
    this.#changed.add(id);
    return this.#added.delete(id);
  }

  override async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    yield* this.#added.list(prefix);
    for await (const blob of this.inner.list(prefix)) {
      if (!this.#changed.has(blob.id)) yield blob;
    }
  }

  override async close(): Promise<void> {
    await this.#added.close();
    if (this.#closesInner) await this.inner.close();
  }

  /** What was changed here is looked for here, what was deleted too. */
  #homeOf(id: BlobId): BlobStorage {
    return this.#changed.has(id) ? this.#added : this.inner;
  }
}
