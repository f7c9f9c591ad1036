import { toUnixSeconds, type Clock } from "../base/clock.ts";
import { KopiaError, errorMessage } from "../base/errors.ts";
import type { HashFunction } from "../hashing/hash-function.ts";
import { ClaimTable } from "./claim-table.ts";
import { MAX_CONTENT_BYTES, type ContentCodec } from "./content-codec.ts";
import type { ContentId } from "./content-entry.ts";
import { CONTENT_IV_BYTES, formatContentId } from "./content-id.ts";
import type { WriteContentOptions } from "./content-store.ts";
import { CommittedIndex } from "./index/committed-index.ts";
import { packPrefixFor, type PackPrefix } from "./pack/pack-id.ts";
import type { PackedContents, PackingGrant, SharedContentView } from "./packing-threads.ts";
import { SessionUnit, type SessionContext } from "./session-unit.ts";

/** What a thread writes contents with. */
export interface ThreadContentWriterOptions {
  readonly unitContext: Omit<SessionContext, "onFailure" | "onPackStored">;
  readonly codec: ContentCodec;
  readonly maxPackSizeBytes: number;
  readonly formatVersion: number;
  readonly overheadBytes: number;
  readonly maxPacksInFlight: number;
}

/**
 * Writes contents of a session that another thread leads: into packs of its own, under the leader's
 * session ID. Index blobs and markers are the leader's business; it gets the entries of durable packs.
 */
export class ThreadContentWriter {
  readonly #options: ThreadContentWriterOptions;
  readonly #context: SessionContext;
  readonly #clock: Clock;
  readonly #hash: HashFunction;
  readonly #key: Uint8Array;
  #unit: SessionUnit | undefined;
  #index = new CommittedIndex();
  #claims: ClaimTable;
  #trustedUntil = 0n;
  #stats = noStats();
  #broken: { readonly cause: unknown } | undefined;

  constructor(options: ThreadContentWriterOptions, grant: PackingGrant) {
    this.#options = options;
    this.#context = {
      ...options.unitContext,
      onFailure: (error) => (this.#broken ??= { cause: error }),
      onPackStored: () => this.#stats.packCount++,
    };
    this.#clock = options.unitContext.clock;
    this.#hash = options.unitContext.crypto.hash;
    this.#key = new Uint8Array(options.unitContext.keyLength);
    this.#claims = ClaimTable.fromParts(grant.view.claims);
    this.updateView(grant.view);
    this.#unit = new SessionUnit(this.#context, grant.sessionId);
  }

  /** Bytes packed since the last grant, durable or not. */
  get packedBytes(): number {
    return this.#stats.packedBytes;
  }

  /** As `ContentWriter.writeContent`. */
  writeContent(data: Uint8Array, options: WriteContentOptions = {}): ContentId {
    const unit = this.#usableUnit();
    const prefix = options.prefix ?? "";
    const { codec, overheadBytes } = this.#options;
    const compressor = codec.compressorFor(options.compressionHeaderId ?? 0, prefix);
    if (data.length + overheadBytes >= MAX_CONTENT_BYTES) throw tooLarge(data.length);
    const hash = options.hash ?? this.#hash.hash(data);
    const contentId = formatContentId(prefix, hash);
    const packPrefix = packPrefixFor(prefix);
    try {
      if (this.#isStored(unit, { prefix, hash, packPrefix })) {
        this.#stats.deduplicatedCount++;
        this.#stats.deduplicatedBytes += data.length;
        return contentId;
      }
      const stored = codec.toStoredForm(data, compressor);
      const writer = unit.openPack(packPrefix);
      const packOffset = writer.lengthBytes;
      const iv = hash.subarray(hash.length - CONTENT_IV_BYTES);
      const packedLength = codec.packInto(writer, stored.bytes, iv);
      unit.record({
        contentId,
        packBlobId: writer.blobId,
        timestampSeconds: this.#timestamp(contentId),
        packOffset,
        packedLength,
        originalLength: data.length,
        deleted: false,
        compressionHeaderId: stored.compressionHeaderId,
        formatVersion: this.#options.formatVersion,
        encryptionKeyId: 0,
      });
      this.#stats.writtenCount++;
      this.#stats.writtenBytes += data.length;
      this.#stats.packedBytes += packedLength;
      if (writer.lengthBytes >= this.#options.maxPackSizeBytes) unit.finishPack(packPrefix);
    } catch (error) {
      // Others may rely on what was claimed here: nothing of this session may be kept now.
      this.#broken ??= { cause: error };
      throw error;
    }
    return contentId;
  }

  /** As `ContentWriter.hashContents`. */
  hashContents(contents: readonly Uint8Array[]): readonly Uint8Array[] | undefined {
    return this.#hash.hashMany?.(contents);
  }

  /** Bounds the packs on their way to storage. @throws KopiaError `SESSION_BROKEN`. */
  async settle(): Promise<void> {
    await this.#usableUnit().settle(this.#options.maxPacksInFlight);
    this.#usableUnit();
  }

  updateView(view: SharedContentView): void {
    this.#index = CommittedIndex.fromShared(view.index);
    this.#claims = ClaimTable.fromParts(view.claims);
    this.#trustedUntil = view.trustedUntil;
  }

  /**
   * Ends the packs and goes on under the next grant; without one nothing can be written any more.
   * Resolves when the ended packs are durable.
   * @throws KopiaError storage errors, `SESSION_BROKEN`.
   */
  async handOver(next: PackingGrant | undefined): Promise<PackedContents> {
    const unit = this.#usableUnit();
    unit.finishPacks();
    // Before anything is awaited: what is written meanwhile belongs to the next unit.
    this.#unit = next === undefined ? undefined : new SessionUnit(this.#context, next.sessionId);
    if (next !== undefined) this.updateView(next.view);
    try {
      const entries = await unit.durableEntries();
      if (this.#broken !== undefined) throw this.#brokenError();
      const stats = this.#stats;
      this.#stats = noStats();
      return { ...stats, entries: entries.records.parts() };
    } catch (error) {
      this.#broken ??= { cause: error };
      throw error;
    }
  }

  /** Drops what is pending; never fails. */
  async abort(): Promise<void> {
    const unit = this.#unit;
    this.#unit = undefined;
    await unit?.abort();
  }

  #isStored(
    unit: SessionUnit,
    content: {
      readonly prefix: string;
      readonly hash: Uint8Array;
      readonly packPrefix: PackPrefix;
    },
  ): boolean {
    const { prefix, hash, packPrefix } = content;
    const key = this.#key;
    key[0] = prefix === "" ? 0 : prefix.charCodeAt(0);
    key.set(hash, 1);
    if (unit.presence(key, packPrefix) === 1) return true;
    const isCommitted = this.#index.hasKey(key) === 1;
    if (isCommitted && this.#clock.now() <= this.#trustedUntil) return true;
    // Lists of pieces are few, and claims tell no prefixes apart.
    return prefix === "" && !this.#claims.claim(hash);
  }

  /** As in the leader's packs (spec 1 §9.3 step 6). */
  #timestamp(contentId: ContentId): number {
    const previous = this.#index.contentCount === 0 ? undefined : this.#index.lookup(contentId);
    return Math.max(
      toUnixSeconds(this.#clock.now()),
      (previous?.timestampSeconds ?? 0) + 1,
      this.#index.watermarkSeconds + 1,
    );
  }

  #usableUnit(): SessionUnit {
    if (this.#broken !== undefined) throw this.#brokenError();
    if (this.#unit === undefined) {
      throw new KopiaError("REPOSITORY_CLOSED", "this thread writes no more for its session");
    }
    return this.#unit;
  }

  #brokenError(): KopiaError {
    const cause = this.#broken?.cause;
    const message = `this write session failed before: ${errorMessage(cause)}`;
    return new KopiaError("SESSION_BROKEN", message, { cause });
  }
}

function noStats(): Record<Exclude<keyof PackedContents, "entries">, number> {
  return {
    packCount: 0,
    writtenCount: 0,
    writtenBytes: 0,
    packedBytes: 0,
    deduplicatedCount: 0,
    deduplicatedBytes: 0,
  };
}

function tooLarge(lengthBytes: number): KopiaError {
  return new KopiaError(
    "CONTENT_TOO_LARGE",
    `a content of ${lengthBytes} bytes does not fit an index: fewer than ${MAX_CONTENT_BYTES} bytes with encryption expected`,
    { details: { lengthBytes } },
  );
}
