import type { Clock } from "../base/clock.ts";
import type { Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import type { RandomBytes } from "../base/random.ts";
import type { BlobId, BlobMetadata, BlobStorage } from "../blob/storage.ts";
import type { Encryptor } from "../encryption/encryptor.ts";
import { FORMAT_BLOB_ID } from "../format/format-blob.ts";
import { encodeFormatCopy } from "../format/format-copy.ts";
import type { RepositoryFormat } from "../format/repository-format.ts";
import type { HashFunction } from "../hashing/hash-function.ts";
import { ContentCodec } from "./content-codec.ts";
import type { ContentEntry, ContentId } from "./content-entry.ts";
import { ALL_CONTENTS } from "./content-id.ts";
import type {
  ContentBatchOptions,
  ContentBatchResult,
  ContentQuery,
  ContentReader,
} from "./content-store.ts";
import type { ContentWriteSession, WriteSessionChoices } from "./content-write-session.ts";
import { ContentMarks } from "./content-marks.ts";
import type { IndexReader } from "./index/index-reader.ts";
import type { ContentPlaces } from "./index/content-places.ts";
import { IndexLoader } from "./index-loader.ts";
import { assertNoOrphanedPacks } from "./index-presence.ts";
import { createIndexBlobManager, type IndexBlobManager } from "./index-blob/index-blob-manager.ts";
import { PackBuffer } from "./pack/pack-writer.ts";
import { readContent, readContents, readEntry, type ContentSource } from "./read-contents.ts";
import { MAX_PENDING_ENTRIES, WriteSession } from "./write-session.ts";

/** What a content manager works with. */
export interface ContentManagerOptions {
  readonly storage: BlobStorage;
  readonly format: RepositoryFormat;
  readonly hash: HashFunction;
  readonly encryptor: Encryptor;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Named in session markers (spec 1 §9.2). */
  readonly client: { readonly username: string; readonly hostname: string };
  /** Allows contents compressed with `lz4`, which the current Kopia cannot read. Default false. */
  readonly writeLz4?: boolean;
  /**
   * Called when a write session opens and before every index write (spec 1 §12.5 step 5): throws when
   * the format blob, read at most 15 minutes ago, shows an upgrade lock or another format.
   */
  readonly checkFormat?: () => Promise<void>;
  /**
   * Age in milliseconds at which asynchronous reads and `settle` load the index again: 10 minutes by
   * default, at most 15 (spec 1 §8.2). `Infinity` for maintenance, which reloads by itself.
   */
  readonly reloadAfterMs?: number;
  /** Packs of one session that may be on their way to storage after `settle`. Default 4. */
  readonly maxPacksInFlight?: number;
  /**
   * Largest difference between this clock and the storage's that a session accepts, in milliseconds
   * (spec 1 §9.6); not looked at when absent.
   */
  readonly maxClockSkewMs?: number;
  /**
   * When given, damaged index blobs are left out and reported here once each, so that what the others
   * name can be read; no write session can be opened then. Without it they are errors.
   */
  readonly onUnreadableIndex?: (blobId: BlobId, error: KopiaError) => void;
}

/**
 * The contents of one repository: the index in memory, reads, and write sessions over both. Several
 * sessions may be open at once; each has packs, marker and index blobs of its own.
 */
export interface ContentManager extends ContentReader {
  /** Deletion watermark in Unix seconds, 0 when there is none (spec 1 §8.4.7). */
  readonly watermarkSeconds: number;
  /** Contents in the index, deleted ones included; those in several large index blobs may count more than once. */
  readonly contentCount: number;
  /** Contents that a session of this program puts into one pack at most, however small they are (about). */
  readonly maxPackContents: number;
  /** The index blobs that make up the index now. */
  indexBlobs(): readonly BlobMetadata[];
  /**
   * Freezes the view of the index until the result is called: only `refresh` and own flushes change it then.
   * For maintenance, which decides by one consistent view (spec 3 §1.4 step 3, trap T-15).
   */
  holdIndex(): () => void;
  /** An empty set of contents of the index as it is now. */
  createMarks(): ContentMarks;
  /** As `contents`, by position in index blobs: nothing is made per entry. The index must not change meanwhile. */
  visitContents(visit: (reader: IndexReader, position: number) => void, query?: ContentQuery): void;
  /** Whether any index blob has an entry of a content, hidden by the watermark or not. */
  hasStoredEntry(id: ContentId): boolean;
  /** As `hasStoredEntry`, for the content of an entry of any index, such as a pack's own. */
  hasStoredEntryAt(reader: IndexReader, position: number): boolean;
  /** Every entry of every index blob, losing ones and those under the watermark included, in no promised order. */
  visitStoredEntries(visit: (reader: IndexReader, position: number) => void): void;
  /** Loads the index as it is now, whatever its age (spec 1 §8.2). @throws KopiaError `INDEX_CORRUPT`, storage errors. */
  refresh(): Promise<void>;
  /**
   * As `getContentInfo`, and also what the deletion watermark hides: whether the index knows a content at all.
   */
  getContentRecord(id: ContentId): ContentEntry | undefined;
  /**
   * Whether the index has all contents of these binary keys (spec 1 §7.1), one after the other, deleted or not.
   * @param keyLength length of each.
   */
  hasContentKeys(keys: Uint8Array, keyLength: number): boolean;
  /** As `refresh`, when the index is as old as reads would no longer accept. */
  refreshIfOld(): Promise<void>;
  /** Reads the content of an entry at hand, without looking it up. @throws as `getContent`. */
  readEntry(entry: ContentEntry): Promise<Bytes>;
  /**
   * @throws KopiaError `STORAGE_READ_ONLY`, `REPOSITORY_INDEX_MISSING` (packs but no index), `INDEX_CORRUPT`
   *   (a damaged index blob was left out), and what `checkFormat` throws.
   */
  openWriteSession(choices?: WriteSessionChoices): Promise<ContentWriteSession>;
  /**
   * Whether stored packs have lost their index: see `REPOSITORY_INDEX_MISSING`. For `repository
   * status` and before a snapshot; lists packs only when the index is empty.
   * @throws KopiaError `REPOSITORY_INDEX_MISSING`.
   */
  assertIndexPresent(): Promise<void>;
  /** Nothing may be called after it. Sessions must be closed before. */
  close(): void;
}

const DEFAULT_RELOAD_AFTER_MS = 10 * 60_000;
const DEFAULT_MAX_PACKS_IN_FLIGHT = 4;
/** File data is handed to the storage in pieces of at least this. */
const DATA_BUFFER_BYTES = 2 ** 18;
/** Metadata stays in memory longer, since indirect objects and manifests are read back while written. */
const METADATA_BUFFER_BYTES = 2 ** 22;
/** Entries taken from the index at a time, so that it may change between them; each time all index blobs are asked. */
const ITERATION_CHUNK = 8192;

/**
 * Loads the index and gives access to the contents (spec 1 §8.2, §9).
 * @throws KopiaError `INDEX_CORRUPT` naming the index blob, and storage errors.
 */
export async function createContentManager(
  options: ContentManagerOptions,
): Promise<ContentManager> {
  const manager = new IndexedContentManager(options);
  await manager.refresh();
  return manager;
}

class IndexedContentManager implements ContentManager {
  readonly #options: ContentManagerOptions;
  readonly #indexBlobs: IndexBlobManager;
  readonly #loader: IndexLoader;
  readonly #codec: ContentCodec;
  readonly #source: ContentSource;
  readonly #reloadAfterMs: number;
  #closed = false;

  constructor(options: ContentManagerOptions) {
    this.#options = options;
    const { storage, format, clock, encryptor } = options;
    this.#indexBlobs = createIndexBlobManager(options);
    this.#loader = new IndexLoader(this.#indexBlobs, {
      clock,
      onUnreadable: options.onUnreadableIndex,
    });
    this.#codec = new ContentCodec(encryptor, format.content, options);
    this.#reloadAfterMs = options.reloadAfterMs ?? DEFAULT_RELOAD_AFTER_MS;
    this.#source = {
      storage,
      codec: this.#codec,
      lookup: (id) => this.#loader.index.lookup(id),
      reloadIfOlder: (maxAgeMs) => this.#loader.loadIfOlder(maxAgeMs),
    };
  }

  get watermarkSeconds(): number {
    return this.#loader.index.watermarkSeconds;
  }

  get contentCount(): number {
    return this.#loader.index.contentCount;
  }

  get maxPackContents(): number {
    return MAX_PENDING_ENTRIES;
  }

  indexBlobs(): readonly BlobMetadata[] {
    return this.#loader.blobs();
  }

  holdIndex(): () => void {
    this.#assertOpen();
    return this.#loader.hold();
  }

  createMarks(): ContentMarks {
    this.#assertOpen();
    return new ContentMarks(this.#loader.index);
  }

  visitContents(
    visit: (reader: IndexReader, position: number) => void,
    query?: ContentQuery,
  ): void {
    this.#assertOpen();
    this.#loader.index.forEach(visit, query);
  }

  hasStoredEntry(id: ContentId): boolean {
    this.#assertOpen();
    return this.#loader.index.hasStored(id);
  }

  hasStoredEntryAt(reader: IndexReader, position: number): boolean {
    this.#assertOpen();
    return this.#loader.index.hasStoredAt(reader, position);
  }

  visitStoredEntries(visit: (reader: IndexReader, position: number) => void): void {
    this.#assertOpen();
    this.#loader.index.forEachStored(visit);
  }

  refresh(): Promise<void> {
    this.#assertOpen();
    return this.#loader.load();
  }

  async getContent(id: ContentId): Promise<Bytes> {
    this.#assertOpen();
    await this.#loader.loadIfOlder(this.#reloadAfterMs);
    return readContent(this.#source, id);
  }

  async *getContents(
    ids: Iterable<ContentId>,
    options?: ContentBatchOptions,
  ): AsyncGenerator<ContentBatchResult, void, undefined> {
    this.#assertOpen();
    await this.#loader.loadIfOlder(this.#reloadAfterMs);
    yield* readContents(this.#source, ids, options);
  }

  readEntry(entry: ContentEntry): Promise<Bytes> {
    this.#assertOpen();
    return readEntry(this.#source, entry);
  }

  getContentInfo(id: ContentId): ContentEntry | undefined {
    this.#assertOpen();
    return this.#loader.index.lookup(id);
  }

  getContentRecord(id: ContentId): ContentEntry | undefined {
    this.#assertOpen();
    return this.#loader.index.lookupRecord(id);
  }

  hasContent(id: ContentId): boolean {
    this.#assertOpen();
    return this.#loader.index.has(id) !== 0;
  }

  hasContentKeys(keys: Uint8Array, keyLength: number): boolean {
    this.#assertOpen();
    return this.#loader.index.hasKeys(keys, keyLength);
  }

  locate(id: ContentId, places: ContentPlaces): boolean {
    this.#assertOpen();
    return this.#loader.index.locate(id, places);
  }

  async refreshIfOld(): Promise<void> {
    this.#assertOpen();
    await this.#loader.loadIfOlder(this.#reloadAfterMs);
  }

  /** In chunks, each taken at once: the index may be loaded again while the caller is busy. */
  *contents(query: ContentQuery = {}): Generator<ContentEntry, void, undefined> {
    this.#assertOpen();
    const { end } = query.range ?? ALL_CONTENTS;
    let { start } = query.range ?? ALL_CONTENTS;
    for (;;) {
      const chunk: ContentEntry[] = [];
      for (const entry of this.#loader.index.entries({ ...query, range: { start, end } })) {
        if (chunk.push(entry) === ITERATION_CHUNK) break;
      }
      yield* chunk;
      const last = chunk.at(-1);
      if (last === undefined || chunk.length < ITERATION_CHUNK) return;
      // The next text in order: nothing lies between an ID and the same ID with a NUL after it.
      start = `${last.contentId}\0`;
    }
  }

  async openWriteSession(choices: WriteSessionChoices = {}): Promise<ContentWriteSession> {
    this.#assertOpen();
    const { storage, checkFormat, encryptor, hash, format } = this.#options;
    if (storage.readOnly) {
      throw new KopiaError("STORAGE_READ_ONLY", `${storage.displayName} is open for reading only`);
    }
    await checkFormat?.();
    await this.#loader.loadIfOlder(this.#reloadAfterMs);
    // A writer that cannot see part of the index would store its contents again, or worse.
    if (this.#loader.damage !== undefined) throw this.#loader.damage;
    await this.assertIndexPresent();
    const { content } = format;
    const formatCopy = await this.#formatCopy();
    return new WriteSession({
      forgetsFlushed: choices.forgetsFlushed ?? false,
      unitContext: {
        ...this.#options,
        crypto: { hash, encryptor },
        indexVersion: content.indexVersion,
        keyLength: 1 + hash.sizeBytes,
        formatCopy,
        buffers: {
          p: new PackBuffer(DATA_BUFFER_BYTES),
          q: new PackBuffer(METADATA_BUFFER_BYTES),
        },
      },
      committed: this,
      loader: this.#loader,
      indexBlobs: this.#indexBlobs,
      codec: this.#codec,
      maxPackSizeBytes: content.maxPackSizeBytes,
      formatVersion: content.version,
      overheadBytes: encryptor.overheadBytes,
      checkFormat,
      reloadAfterMs: this.#reloadAfterMs,
      maxPacksInFlight: this.#options.maxPacksInFlight ?? DEFAULT_MAX_PACKS_IN_FLIGHT,
    });
  }

  async assertIndexPresent(): Promise<void> {
    this.#assertOpen();
    if (this.#loader.blobs().length > 0) return;
    try {
      await assertNoOrphanedPacks(this.#options.storage);
    } catch (error) {
      // Another client may have written the very first index between the listings.
      await this.#loader.load();
      if (this.#loader.blobs().length === 0) throw error;
    }
  }

  close(): void {
    this.#closed = true;
  }

  async #formatCopy(): Promise<Uint8Array> {
    const { storage, format } = this.#options;
    if (format.content.enablePasswordChange) return new Uint8Array(0);
    return encodeFormatCopy(await storage.get(FORMAT_BLOB_ID));
  }

  #assertOpen(): void {
    if (this.#closed) throw new KopiaError("REPOSITORY_CLOSED", "the repository is closed");
  }
}
