import { createHash } from "node:crypto";
import { copyBytes, type Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import type { ContentEntry, ContentId } from "../content/content-entry.ts";
import type {
  ContentBatchResult,
  ContentQuery,
  ContentWriter,
  WriteContentOptions,
} from "../content/content-store.ts";

/** Contents in memory, without hashing secrets, packs or encryption: for tests of the layers above. */
export class MemoryContents implements ContentWriter {
  readonly #data = new Map<ContentId, Bytes>();
  readonly #entries = new Map<ContentId, ContentEntry>();
  /** What was asked for in each write, in order. */
  readonly writes: { readonly id: ContentId; readonly options: WriteContentOptions }[] = [];
  flushCount = 0;

  writeContent(data: Uint8Array, options: WriteContentOptions = {}): ContentId {
    const hash = createHash("sha256").update(data).digest("hex").slice(0, 32);
    const id = `${options.prefix ?? ""}${hash}`;
    this.writes.push({ id, options });
    this.put(id, data);
    return id;
  }

  /** Stores bytes under any ID, also what no writer would write. */
  put(id: ContentId, data: Uint8Array): void {
    this.#data.set(id, copyBytes(data));
    this.#entries.set(id, {
      contentId: id,
      packBlobId: "p0",
      timestampSeconds: 1,
      packOffset: 0,
      packedLength: data.length + 28,
      originalLength: data.length,
      deleted: false,
      compressionHeaderId: 0,
      formatVersion: 3,
      encryptionKeyId: 0,
    });
  }

  /** Loses a content altogether. */
  forget(id: ContentId): void {
    this.#data.delete(id);
    this.#entries.delete(id);
  }

  async getContent(id: ContentId): Promise<Bytes> {
    const data = this.#data.get(id);
    if (data === undefined) throw new KopiaError("CONTENT_NOT_FOUND", `content ${id}`);
    return copyBytes(data);
  }

  async *getContents(ids: Iterable<ContentId>): AsyncIterable<ContentBatchResult> {
    for (const contentId of ids) {
      const data = this.#data.get(contentId);
      if (data !== undefined) yield { contentId, data: copyBytes(data) };
      else yield { contentId, error: new KopiaError("CONTENT_NOT_FOUND", `content ${contentId}`) };
    }
  }

  getContentInfo(id: ContentId): ContentEntry | undefined {
    return this.#entries.get(id);
  }

  *contents(query: ContentQuery = {}): Iterable<ContentEntry> {
    for (const id of [...this.#entries.keys()].sort()) {
      const entry = this.#entries.get(id) as ContentEntry;
      if (entry.deleted && query.includeDeleted !== true) continue;
      const { range } = query;
      if (range === undefined || (id >= range.start && id < range.end)) yield entry;
    }
  }

  deleteContent(id: ContentId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new KopiaError("CONTENT_NOT_FOUND", `content ${id}`);
    this.#entries.set(id, { ...entry, deleted: true });
  }

  async undeleteContent(id: ContentId): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#entries.set(id, { ...entry, deleted: false });
  }

  async settle(): Promise<void> {}

  async flush(): Promise<void> {
    this.flushCount++;
  }
}
