import { KopiaError } from "../base/errors.ts";
import { releaseBytes } from "../base/release-bytes.ts";
import type { BlobId, BlobMetadata } from "../blob/storage.ts";
import type { ContentEntry } from "./content-entry.ts";
import { entryWins } from "./index/entry-order.ts";
import { ContentEntryTable } from "./index/entry-table.ts";
import { buildIndexShards } from "./index/build-index.ts";
import { INVALID_PACK_BLOB_ID, type IndexReader } from "./index/index-reader.ts";
import {
  createIndexBlobManager,
  type IndexBlobManagerOptions,
} from "./index-blob/index-blob-manager.ts";
import { newSessionId } from "./session.ts";

/** What the index says of a content, entries that the watermark hides included. */
export type IndexedEntryLookup = (contentId: string) => ContentEntry | undefined;

/**
 * Index entries gathered from the local indexes of packs, to be put into an index blob again
 * (spec 3 §3.4). Kept as bytes.
 */
export class RecoveredEntries {
  readonly #keyLength: number;
  #table: ContentEntryTable;
  #packs = 0;
  #entries = 0;
  #committed = 0;

  /** @param hashBytes length of the repository's content hashes. */
  constructor(hashBytes: number) {
    this.#keyLength = 1 + hashBytes;
    this.#table = new ContentEntryTable(this.#keyLength);
  }

  /** Packs whose index was added. */
  get packCount(): number {
    return this.#packs;
  }

  /** Entries in these indexes. */
  get entryCount(): number {
    return this.#entries;
  }

  /** Entries that were kept. */
  get keptCount(): number {
    return this.#committed + this.#table.size;
  }

  /**
   * Adds a pack's index.
   * @param lookup when given, only entries are kept that win over what it finds.
   * @returns how many entries were kept.
   * @throws KopiaError `PACK_CORRUPT` when it is of another repository.
   */
  add(packBlobId: BlobId, index: IndexReader, lookup?: IndexedEntryLookup): number {
    this.#assertKeyLength(packBlobId, index);
    let kept = 0;
    for (let position = 0; position < index.entryCount; position++) {
      const entry = index.entryAt(position);
      // A reference out of the index names no pack: nothing can be read by it.
      if (entry.packBlobId === INVALID_PACK_BLOB_ID) continue;
      const present = lookup?.(entry.contentId);
      if (present !== undefined && !entryWins(entry, present)) continue;
      if (this.#table.merge(entry)) kept++;
    }
    this.#packs++;
    this.#entries += index.entryCount;
    return kept;
  }

  /** Keeps one entry. */
  keep(entry: ContentEntry): void {
    this.#table.merge(entry);
  }

  /**
   * Stores what was kept as one flush of a session of its own: nothing is replaced or deleted, so it may be
   * interrupted anywhere and done again. Afterwards the entries are in the index alone, and only counted here.
   * @returns the index blobs; none when nothing was kept.
   * @throws KopiaError as `IndexBlobManager.writeFlush`.
   */
  async commit(options: IndexBlobManagerOptions): Promise<readonly BlobMetadata[]> {
    if (this.#table.size === 0) return [];
    const shards = buildIndexShards(this.#table, { version: options.format.content.indexVersion });
    // A million of them are 60 MiB, and writing needs that memory.
    this.#committed += this.#table.size;
    this.#table.release();
    const sessionId = newSessionId(options.random, options.clock.now());
    const written = await createIndexBlobManager(options).writeFlush(shards, sessionId);
    for (const shard of shards) releaseBytes(shard);
    return written;
  }

  #assertKeyLength(packBlobId: BlobId, index: IndexReader): void {
    if (index.entryCount === 0 || index.keyLength === this.#keyLength) return;
    throw new KopiaError(
      "PACK_CORRUPT",
      `the index of pack ${packBlobId} has content hashes of ${index.keyLength - 1} bytes, expected ${this.#keyLength - 1}`,
      { details: { packBlobId } },
    );
  }
}
