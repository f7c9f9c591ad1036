import type { Bytes } from "../base/bytes.ts";
import { NS_PER_MS, toUnixSeconds, type Clock, type TimeNs } from "../base/clock.ts";
import { KopiaError, errorMessage } from "../base/errors.ts";
import type { HashFunction } from "../hashing/hash-function.ts";
import {
  LZ4_HEADER_ID,
  MAX_CONTENT_BYTES,
  type ContentCodec,
  type StoredForm,
} from "./content-codec.ts";
import type { ContentEntry, ContentId } from "./content-entry.ts";
import { ALL_CONTENTS, CONTENT_IV_BYTES, contentIv, formatContentId } from "./content-id.ts";
import type {
  ContentBatchOptions,
  ContentBatchResult,
  ContentQuery,
  ContentReader,
  WriteContentOptions,
} from "./content-store.ts";
import { AttachedThreads } from "./attached-threads.ts";
import type { ContentWriteSession, ContentWriteStats } from "./content-write-session.ts";
import { packedAtHand, type PackedAtHand } from "./packed-at-hand.ts";
import type { ContentEntryTable, Presence } from "./index/entry-table.ts";
import type { IndexBlobManager } from "./index-blob/index-blob-manager.ts";
import type { IndexLoader } from "./index-loader.ts";
import { mergeEntries } from "./merge-entries.ts";
import { addPacked, type PackingGrant, type PackingThreads } from "./packing-threads.ts";
import { publishIndex } from "./publish-index.ts";
import { packPrefixFor, packPrefixOfContent, type PackPrefix } from "./pack/pack-id.ts";
import { contentResult, requireEntry } from "./read-contents.ts";
import { SessionUnit, type SessionContext } from "./session-unit.ts";
import { SessionView } from "./session-view.ts";

/** What a write session works with. */
export interface WriteSessionOptions {
  readonly unitContext: Omit<SessionContext, "onFailure" | "onPackStored">;
  /** Committed contents. */
  readonly committed: ContentReader;
  readonly loader: IndexLoader;
  readonly indexBlobs: IndexBlobManager;
  readonly codec: ContentCodec;
  readonly maxPackSizeBytes: number;
  /** Recorded in new entries. */
  readonly formatVersion: number;
  readonly overheadBytes: number;
  readonly checkFormat: (() => Promise<void>) | undefined;
  readonly reloadAfterMs: number;
  readonly maxPacksInFlight: number;
  /** Own index blobs do not join the index in memory. */
  readonly forgetsFlushed: boolean;
}

/** A content about to be appended to a pack. */
interface Addition {
  readonly contentId: ContentId;
  readonly packPrefix: PackPrefix;
  readonly iv: Uint8Array;
  readonly stored: StoredForm;
  readonly originalLength: number;
  readonly deleted: boolean;
  readonly timestampSeconds: number;
}

/** Contents stay unindexed at most about this long (spec 1 §12.4 rule 6). */
const AUTO_FLUSH_MS = 10 * 60_000;
/** So many entries in memory, and an index of them in the making, are a few dozen MiB. */
export const MAX_PENDING_ENTRIES = 100_000;
/** An index older than this is not trusted to say that a content is stored (spec 1 §12.4 rule 7). */
const MAX_TRUSTED_AGE_MS = 15 * 60_000;

/** The write session over one content manager; see the contracts for what each call promises. */
export class WriteSession implements ContentWriteSession {
  readonly #options: WriteSessionOptions;
  readonly #context: SessionContext;
  readonly #clock: Clock;
  readonly #hash: HashFunction;
  readonly #key: Bytes;
  readonly #maxTrustedAgeMs: number;
  readonly #view: SessionView;
  #flushQueue: Promise<void> = Promise.resolve();
  #flushDeadline: TimeNs;
  #broken: { readonly cause: unknown } | undefined;
  #closing: Promise<void> | undefined;
  #threads: AttachedThreads | undefined;
  readonly #stats = {
    writtenCount: 0,
    writtenBytes: 0,
    packedBytes: 0,
    deduplicatedCount: 0,
    deduplicatedBytes: 0,
    packCount: 0,
    indexBlobCount: 0,
  };

  constructor(options: WriteSessionOptions) {
    this.#options = options;
    this.#context = {
      ...options.unitContext,
      onFailure: (error) => this.#fail(error),
      onPackStored: () => this.#stats.packCount++,
    };
    this.#clock = options.unitContext.clock;
    this.#hash = options.unitContext.crypto.hash;
    this.#key = new Uint8Array(options.unitContext.keyLength);
    this.#maxTrustedAgeMs = Math.max(MAX_TRUSTED_AGE_MS, options.reloadAfterMs);
    this.#view = new SessionView(
      options.unitContext.storage,
      options.loader.index,
      new SessionUnit(this.#context),
    );
    this.#flushDeadline = this.#nextDeadline();
  }

  get hasPending(): boolean {
    return !this.#view.unit.isEmpty || this.#view.flushing !== undefined;
  }

  stats(): ContentWriteStats {
    return { ...this.#stats };
  }

  writeContent(data: Uint8Array, options: WriteContentOptions = {}): ContentId {
    this.#assertUsable();
    const prefix = options.prefix ?? "";
    const { codec } = this.#options;
    const compressor = codec.compressorFor(options.compressionHeaderId ?? 0, prefix);
    this.#assertLength(data.length);
    const hash = options.hash ?? this.#hash.hash(data);
    const contentId = formatContentId(prefix, hash);
    const packPrefix = packPrefixFor(prefix);
    const presence = this.#presence(prefix, hash, packPrefix);
    if (presence === 1) {
      this.#stats.deduplicatedCount++;
      this.#stats.deduplicatedBytes += data.length;
      return contentId;
    }
    this.#guarded(() =>
      this.#append({
        contentId,
        packPrefix,
        iv: hash.subarray(hash.length - CONTENT_IV_BYTES),
        stored: codec.toStoredForm(data, compressor),
        originalLength: data.length,
        deleted: false,
        timestampSeconds: this.#timestamp(
          presence === 0 ? undefined : this.#view.lookup(contentId)?.timestampSeconds,
        ),
      }),
    );
    return contentId;
  }

  hashContents(contents: readonly Uint8Array[]): readonly Bytes[] | undefined {
    return this.#hash.hashMany?.(contents);
  }

  async settle(): Promise<void> {
    this.#assertUsable();
    await this.#view.unit.settle(this.#options.maxPacksInFlight);
    this.#assertUsable();
    if (this.#isFlushDue() && this.#view.flushing === undefined) await this.flush();
    await this.#options.loader.loadIfOlder(this.#options.reloadAfterMs);
    this.#threads?.refresh();
  }

  deleteContent(id: ContentId): void {
    this.#assertUsable();
    requireEntry(this.#view, id);
    this.#guarded(() => {
      this.#view.unit.forgetPending(id);
      // What remains is an older entry, or none when the content was new.
      const entry = this.#view.lookup(id);
      if (entry === undefined || entry.deleted) return;
      const timestampSeconds = this.#timestamp(entry.timestampSeconds);
      this.#view.unit.record({ ...entry, deleted: true, timestampSeconds });
    });
  }

  async undeleteContent(id: ContentId): Promise<void> {
    await this.#writeAgain(id, { onlyDeleted: true });
  }

  async rewriteContent(id: ContentId, atHand?: PackedAtHand): Promise<void> {
    await this.#writeAgain(id, { onlyDeleted: false, atHand });
  }

  flush(): Promise<void> {
    const flushed = this.#flushQueue.then(() => this.#flushUnit());
    this.#flushQueue = flushed.catch(() => undefined);
    return flushed;
  }

  async attachThreads(threads: PackingThreads): Promise<PackingGrant> {
    this.#assertUsable();
    const attached = new AttachedThreads({
      threads,
      loader: this.#options.loader,
      clock: this.#clock,
      maxTrustedAgeMs: this.#maxTrustedAgeMs,
      hashBytes: this.#context.keyLength - 1,
    });
    // Not while a flush swaps units, and no flush before the threads are known.
    const grant = this.#flushQueue.then(() => {
      this.#assertUsable();
      return attached.grant(this.#view.unit);
    });
    this.#flushQueue = grant.then(
      () => {
        this.#threads = attached;
      },
      (error: unknown) => this.#fail(error),
    );
    return grant;
  }

  detachThreads(): Promise<void> {
    const detached = this.#flushQueue.then(async () => {
      this.#assertUsable();
      const threads = this.#threads;
      if (threads === undefined) return;
      try {
        addPacked(this.#stats, await threads.handOver(this.#view.unit, undefined));
      } catch (error) {
        this.#fail(error);
        throw error;
      }
      this.#threads = undefined;
    });
    this.#flushQueue = detached.catch(() => undefined);
    return detached;
  }

  failThreads(error: unknown): void {
    this.#fail(error);
  }

  async getContent(id: ContentId): Promise<Bytes> {
    this.#assertUsable();
    const entry = this.#view.own(id);
    if (entry === undefined) return this.#options.committed.getContent(id);
    return this.#options.codec.decode(entry, await this.#view.readPacked(entry));
  }

  async *getContents(
    ids: Iterable<ContentId>,
    options?: ContentBatchOptions,
  ): AsyncGenerator<ContentBatchResult, void, undefined> {
    this.#assertUsable();
    const committedIds = new Set<ContentId>();
    for (const contentId of new Set(ids)) {
      if (this.#view.own(contentId) === undefined) committedIds.add(contentId);
      else yield await contentResult(contentId, this.getContent(contentId));
    }
    yield* this.#options.committed.getContents(committedIds, options);
  }

  getContentInfo(id: ContentId): ContentEntry | undefined {
    this.#assertUsable();
    return this.#view.lookup(id);
  }

  contents(query: ContentQuery = {}): Iterable<ContentEntry> {
    this.#assertUsable();
    const { committed } = this.#options;
    const range = query.range ?? ALL_CONTENTS;
    const own = this.#view.ownEntries(range);
    if (own.size === 0) return committed.contents(query);
    const all = committed.contents({ range, includeDeleted: true });
    return mergeEntries(all, own, query.includeDeleted ?? false);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#flushQueue;
    await this.#view.flushing?.abort();
    await this.#view.unit.abort();
  }

  #isFlushDue(): boolean {
    if (this.#clock.now() >= this.#flushDeadline) return true;
    const claimed = this.#threads?.claimCount ?? 0;
    return Math.max(this.#view.unit.entryCount, claimed) >= MAX_PENDING_ENTRIES;
  }

  /** Makes the current unit durable and visible, in the order of spec 1 §12.2. */
  async #flushUnit(): Promise<void> {
    this.#assertUsable();
    const unit = this.#view.unit;
    this.#flushDeadline = this.#nextDeadline();
    const threads = this.#threads;
    if (unit.isEmpty && threads === undefined) return;
    this.#view.flushing = unit;
    this.#view.unit = new SessionUnit(this.#context);
    try {
      unit.finishPacks();
      if (threads !== undefined)
        addPacked(this.#stats, await threads.handOver(unit, this.#view.unit));
      const entries = await unit.durableEntries();
      this.#assertWhole();
      if (entries.size > 0) await this.#writeIndex(unit, entries);
      threads?.afterFlush();
      await unit.removeMarker();
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    this.#view.flushing = undefined;
    this.#flushDeadline = this.#nextDeadline();
  }

  async #writeIndex(unit: SessionUnit, entries: ContentEntryTable): Promise<void> {
    const { checkFormat, indexBlobs, loader } = this.#options;
    await checkFormat?.();
    const { blobs, shards } = await publishIndex({ ...this.#context, indexBlobs }, unit, entries);
    this.#stats.indexBlobCount += blobs.length;
    if (!this.#options.forgetsFlushed) loader.addOwn(blobs, shards);
  }

  /**
   * Stores a content again, as it is stored now (spec 1 §9.5). A content that cannot be read leaves the
   * session as it was: nothing was written.
   */
  async #writeAgain(
    id: ContentId,
    mode: { readonly onlyDeleted: boolean; readonly atHand?: PackedAtHand | undefined },
  ): Promise<void> {
    this.#assertUsable();
    const entry = requireEntry(this.#view, id);
    if (mode.onlyDeleted && !entry.deleted) return;
    const packed = packedAtHand(entry, mode.atHand) ?? (await this.#view.readPacked(entry));
    const stored = this.#storedAgain(entry, packed);
    this.#assertUsable();
    const latest = requireEntry(this.#view, id);
    if (mode.onlyDeleted && !latest.deleted) return;
    this.#guarded(() =>
      this.#append({
        contentId: id,
        packPrefix: packPrefixOfContent(id),
        iv: contentIv(id),
        stored,
        originalLength: entry.originalLength,
        deleted: !mode.onlyDeleted && latest.deleted,
        timestampSeconds: mode.onlyDeleted
          ? this.#timestamp(latest.timestampSeconds)
          : latest.timestampSeconds + 1, // Never undoes what others did: docs/decisions/0021.
      }),
    );
  }

  #storedAgain(entry: ContentEntry, packed: Uint8Array): StoredForm {
    const { codec } = this.#options;
    if (entry.compressionHeaderId !== LZ4_HEADER_ID || codec.writesLz4) {
      const { compressionHeaderId } = entry;
      return { bytes: codec.decrypt(entry, packed), compressionHeaderId };
    }
    // The current Kopia cannot read lz4: written again, everybody can.
    const bytes = codec.decode(entry, packed);
    this.#assertLength(bytes.length);
    return { bytes, compressionHeaderId: 0 };
  }

  #append(addition: Addition): void {
    const { codec, formatVersion, maxPackSizeBytes } = this.#options;
    const { contentId, packPrefix, stored } = addition;
    const writer = this.#view.unit.openPack(packPrefix);
    const packOffset = writer.lengthBytes;
    const packedLength = codec.packInto(writer, stored.bytes, addition.iv);
    this.#view.unit.record({
      contentId,
      packBlobId: writer.blobId,
      timestampSeconds: addition.timestampSeconds,
      packOffset,
      packedLength,
      originalLength: addition.originalLength,
      deleted: addition.deleted,
      compressionHeaderId: stored.compressionHeaderId,
      formatVersion,
      encryptionKeyId: 0,
    });
    this.#stats.writtenCount++;
    this.#stats.writtenBytes += addition.originalLength;
    this.#stats.packedBytes += packedLength;
    if (writer.lengthBytes >= maxPackSizeBytes) this.#view.unit.finishPack(packPrefix);
  }

  /** 1: stored, for sure; 2: known, but to be written again; 0: unknown. */
  #presence(prefix: string, hash: Uint8Array, packPrefix: PackPrefix): Presence {
    const key = this.#key;
    key[0] = prefix === "" ? 0 : prefix.charCodeAt(0);
    key.set(hash, 1);
    const own = this.#view.ownPresence(key, packPrefix);
    if (own !== 0) return own;
    const { loader } = this.#options;
    const committed = loader.index.hasKey(key);
    const isTrusted = committed === 1 && loader.ageMs(this.#clock.now()) <= this.#maxTrustedAgeMs;
    if (isTrusted) return 1;
    // Lists of pieces are few, and claims tell no prefixes apart.
    const isClaimed = prefix === "" && this.#threads?.claim(hash) === false;
    return isClaimed ? 1 : committed === 0 ? 0 : 2;
  }

  /** `max(now, previous + 1)`, and never hidden by the watermark (spec 1 §9.3 step 6). */
  #timestamp(previousSeconds: number | undefined): number {
    return Math.max(
      toUnixSeconds(this.#clock.now()),
      (previousSeconds ?? 0) + 1,
      this.#options.loader.index.watermarkSeconds + 1,
    );
  }

  #nextDeadline(): TimeNs {
    return this.#clock.now() + BigInt(AUTO_FLUSH_MS) * NS_PER_MS;
  }

  #assertLength(lengthBytes: number): void {
    if (lengthBytes + this.#options.overheadBytes < MAX_CONTENT_BYTES) return;
    throw new KopiaError(
      "CONTENT_TOO_LARGE",
      `a content of ${lengthBytes} bytes does not fit an index: fewer than ${MAX_CONTENT_BYTES} bytes with encryption expected`,
      { details: { lengthBytes } },
    );
  }

  /** Runs something that writes: whatever it throws breaks the session. */
  #guarded(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #fail(cause: unknown): void {
    this.#broken ??= { cause };
  }

  #assertWhole(): void {
    if (this.#broken === undefined) return;
    const { cause } = this.#broken;
    const message = `this write session failed before: ${errorMessage(cause)}`;
    throw new KopiaError("SESSION_BROKEN", message, { cause });
  }

  #assertUsable(): void {
    this.#assertWhole();
    if (this.#closing !== undefined) {
      throw new KopiaError("REPOSITORY_CLOSED", "this write session is closed");
    }
  }
}
