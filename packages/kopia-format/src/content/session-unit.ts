import type { Bytes } from "../base/bytes.ts";
import { NS_PER_MS, type Clock, type TimeNs } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import type { RandomBytes } from "../base/random.ts";
import type { BlobId, BlobMetadata, BlobStorage } from "../blob/storage.ts";
import type { ContentEntry, ContentId, ContentIdRange } from "./content-entry.ts";
import { isInContentIdRange } from "./content-id.ts";
import { ContentJournal } from "./content-journal.ts";
import type { EntryRecordsParts } from "./index/entry-records.ts";
import { ContentEntryTable, type Presence } from "./index/entry-table.ts";
import type { BlobCrypto } from "./index-blob/blob-crypto.ts";
import { encodePackTail } from "./pack/local-index.ts";
import {
  newPackBlobId,
  packPrefixOfContent,
  PACK_PREFIXES,
  type PackPrefix,
} from "./pack/pack-id.ts";
import { PackWriter, type PackBuffer } from "./pack/pack-writer.ts";
import { encodeSessionMarker, newSessionId } from "./session.ts";

/** What the units of one write session share. */
export interface SessionContext {
  readonly storage: BlobStorage;
  readonly crypto: BlobCrypto;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly client: { readonly username: string; readonly hostname: string };
  readonly indexVersion: number;
  /** Length of binary keys: 1 + hash length. */
  readonly keyLength: number;
  /** Copy of the format blob that begins every pack; empty where packs carry none (spec 1 §2.7). */
  readonly formatCopy: Uint8Array;
  /** Memory in which packs are assembled, handed from pack to pack. */
  readonly buffers: Readonly<Record<PackPrefix, PackBuffer>>;
  /** Largest difference between this clock and the storage's when a marker is put; none when absent. */
  readonly maxClockSkewMs?: number;
  /** Called when something failed in the background, before the waiting promise rejects. */
  readonly onFailure: (error: unknown) => void;
  readonly onPackStored: (pack: BlobMetadata) => void;
}

/** A pack being filled; without a writer while it only collects deletions. */
interface PendingPack {
  entries: ContentEntryTable;
  writer: PackWriter | undefined;
}

/** A pack on its way to being durable. */
interface PackCommit {
  readonly packBlobId: BlobId | undefined;
  readonly entries: ContentEntryTable;
  readonly stored: Promise<void>;
  done: boolean;
}

/** Random bytes at the front of every pack (spec 1 §6.2). */
const PREAMBLE_BYTES = 32;

/**
 * What is written between two index flushes (spec 1 §9.1, §9.2): one session ID with its marker, at most
 * one pending pack per prefix, packs being stored, and the entries of stored packs. A flush takes
 * the whole unit; whatever is written meanwhile goes into the next one, so a session ID is never used
 * again once its marker is gone.
 */
export class SessionUnit {
  readonly sessionId: string;
  readonly #context: SessionContext;
  #startTime: TimeNs | undefined;
  readonly #pending: Readonly<Record<PackPrefix, PendingPack>>;
  readonly #journal = new ContentJournal();
  /** In order of finishing; entries become durable in this order, whatever the storage does. */
  readonly #commits: PackCommit[] = [];
  #durable: ContentEntryTable;
  #markerBlobId: BlobId | undefined;
  #markerStored: Promise<void> | undefined;
  #markerIsStored = false;
  /** Packs that are, or may be, in storage. */
  #committedPacks = 0;
  /** The session ID is another thread's, and so is the marker, which is durable already. */
  readonly #isBorrowed: boolean;
  /** Other threads may be writing packs under this session ID. */
  #isLent = false;

  /** @param borrowedSessionId ID that another thread's unit has lent; absent: a new session. */
  constructor(context: SessionContext, borrowedSessionId?: string) {
    this.#context = context;
    this.#isBorrowed = borrowedSessionId !== undefined;
    this.#markerIsStored = this.#isBorrowed;
    this.sessionId = borrowedSessionId ?? newSessionId(context.random, context.clock.now());
    this.#durable = new ContentEntryTable(context.keyLength);
    this.#pending = { p: this.#emptyPack(), q: this.#emptyPack() };
  }

  /** When the first thing was written: a session may have been idle long before (spec 1 §9.2). */
  get startTime(): TimeNs | undefined {
    return this.#startTime;
  }

  /** Whether nothing waits for a flush. */
  get isEmpty(): boolean {
    const { p, q } = this.#pending;
    return (
      p.entries.size === 0 &&
      q.entries.size === 0 &&
      this.#commits.length === 0 &&
      this.#durable.size === 0
    );
  }

  /** Entries that wait for a flush. */
  get entryCount(): number {
    const { p, q } = this.#pending;
    const committing = this.#commits.reduce((sum, { entries }) => sum + entries.size, 0);
    return p.entries.size + q.entries.size + committing + this.#durable.size;
  }

  /** What this unit knows of a content; 0 when nothing. */
  presence(key: Uint8Array, prefix: PackPrefix): Presence {
    const pending = this.#pending[prefix].entries.hasKey(key);
    if (pending !== 0) return pending;
    for (let i = this.#commits.length - 1; i >= 0; i--) {
      const committing = (this.#commits[i] as PackCommit).entries.hasKey(key);
      if (committing !== 0) return committing;
    }
    return this.#durable.hasKey(key);
  }

  /** The newest entry of a content in this unit. */
  lookup(id: ContentId): ContentEntry | undefined {
    const pending = this.#pending[packPrefixOfContent(id)].entries.get(id);
    if (pending !== undefined) return pending;
    for (let i = this.#commits.length - 1; i >= 0; i--) {
      const committing = (this.#commits[i] as PackCommit).entries.get(id);
      if (committing !== undefined) return committing;
    }
    return this.#durable.get(id);
  }

  /** Adds to `found` the newest entry of every content in the range that this unit knows. */
  collectInto(found: Map<ContentId, ContentEntry>, range: ContentIdRange): void {
    const ids = this.#journal.idsFor(range);
    if (ids !== undefined) {
      for (const id of ids) {
        const entry = isInContentIdRange(id, range) ? this.lookup(id) : undefined;
        if (entry !== undefined) found.set(id, entry);
      }
      return;
    }
    const newestLast = [
      this.#durable,
      ...this.#commits.map((commit) => commit.entries),
      ...PACK_PREFIXES.map((prefix) => this.#pending[prefix].entries),
    ];
    for (const table of newestLast) {
      for (const entry of table.entries()) {
        if (isInContentIdRange(entry.contentId, range)) found.set(entry.contentId, entry);
      }
    }
  }

  /** The pack that the next content of this prefix goes into; opened, and the session with it, when there is none. */
  openPack(prefix: PackPrefix): PackWriter {
    const pack = this.#pending[prefix];
    if (pack.writer !== undefined) return pack.writer;
    this.#startMarker();
    const { storage, random, buffers, formatCopy } = this.#context;
    const blobId = newPackBlobId(prefix, this.sessionId, random);
    const writer = new PackWriter(storage, blobId, buffers[prefix]);
    pack.writer = writer;
    writer.append(formatCopy);
    writer.append(random(PREAMBLE_BYTES));
    return writer;
  }

  /** Adds an entry to those pending with the pack of its kind. */
  record(entry: ContentEntry): void {
    this.#begin();
    this.#pending[packPrefixOfContent(entry.contentId)].entries.set(entry);
    this.#journal.note(entry.contentId);
  }

  /** Forgets a pending entry that is not deleted; its bytes stay behind unreferenced (spec 1 §9.5). */
  forgetPending(id: ContentId): boolean {
    const { entries } = this.#pending[packPrefixOfContent(id)];
    return entries.has(id) === 1 && entries.delete(id);
  }

  /** Bytes of a pending pack while they are in memory. */
  peek(entry: ContentEntry): Bytes | undefined {
    const { writer } = this.#pending[packPrefixOfContent(entry.contentId)];
    if (writer?.blobId !== entry.packBlobId) return undefined;
    return writer.peek(entry.packOffset, entry.packedLength);
  }

  /** Resolves when the pack of an entry can be read from storage; finishes it early when it is pending. */
  async packReadable(entry: ContentEntry): Promise<void> {
    const prefix = packPrefixOfContent(entry.contentId);
    if (this.#pending[prefix].writer?.blobId === entry.packBlobId) this.finishPack(prefix);
    await this.#commits.find((commit) => commit.packBlobId === entry.packBlobId)?.stored;
  }

  /**
   * Ends the pending pack of a prefix: writes its tail and lets it become durable in the background
   * (spec 1 §6.5). A pack in which nothing live was left is dropped; deletions need no pack.
   * @throws KopiaError storage errors.
   */
  finishPack(prefix: PackPrefix): void {
    const { entries, writer } = this.#pending[prefix];
    if (writer === undefined && entries.size === 0) return;
    if (writer === undefined || !holdsEntryOf(entries, writer.blobId)) {
      this.#resetPending(prefix);
      this.#enqueue({
        packBlobId: undefined,
        entries,
        stored: writer === undefined ? Promise.resolve() : writer.abort(),
      });
      return;
    }
    const { crypto, random, indexVersion } = this.#context;
    writer.append(encodePackTail(writer.lengthBytes, entries, { crypto, random, indexVersion }));
    const commit = writer.finish();
    this.#resetPending(prefix);
    this.#committedPacks++;
    this.#enqueue({
      packBlobId: writer.blobId,
      entries,
      stored: this.#storePack(writer, commit),
    });
  }

  /** Waits until at most `maxInFlight` packs are on their way. @throws what storing a pack failed with. */
  async settle(maxInFlight: number): Promise<void> {
    for (;;) {
      const oldest = this.#commits[0];
      if (oldest === undefined || this.#commits.length <= maxInFlight) return;
      await oldest.stored;
    }
  }

  /** Ends all packs. @throws KopiaError storage errors. */
  finishPacks(): void {
    for (const prefix of PACK_PREFIXES) this.finishPack(prefix);
  }

  /** All entries, once every pack that they name is durable. Call `finishPacks` before. */
  async durableEntries(): Promise<ContentEntryTable> {
    await this.settle(0);
    return this.#durable;
  }

  /**
   * Makes the session ID fit for packs that other threads write: once this resolves, the marker is
   * durable (spec 1 §12.2).
   */
  async lend(): Promise<string> {
    this.#startMarker();
    this.#isLent = true;
    await this.#markerStored;
    return this.sessionId;
  }

  /** Takes over entries of durable packs that other threads have written. */
  adopt(packed: { readonly entries: EntryRecordsParts }): void {
    this.#durable.mergeParts(packed.entries);
    this.#committedPacks += packed.entries.packBlobIds.length;
  }

  /** No other thread writes under this session ID any more, and all that did was adopted. */
  endLending(): void {
    this.#isLent = false;
  }

  /**
   * Removes the session marker, after the index is stored. Failing to is no failure: a marker that
   * stays is harmless and upkeep removes it (spec 1 §12.1), while the data is safe already.
   */
  async removeMarker(): Promise<void> {
    if (this.#markerBlobId === undefined) return;
    await this.#context.storage.delete(this.#markerBlobId).catch(() => undefined);
  }

  /** Drops what is pending and waits for what is under way; never fails. */
  async abort(): Promise<void> {
    for (const prefix of PACK_PREFIXES) {
      await this.#pending[prefix].writer?.abort().catch(() => undefined);
      this.#resetPending(prefix);
    }
    await Promise.allSettled([this.#markerStored, ...this.#commits.map(({ stored }) => stored)]);
    // Stored packs without an index keep their marker: it guards them as after a crash.
    if (this.#committedPacks === 0 && !this.#isLent) await this.removeMarker();
  }

  #emptyPack(): PendingPack {
    return { entries: new ContentEntryTable(this.#context.keyLength), writer: undefined };
  }

  #resetPending(prefix: PackPrefix): void {
    Object.assign(this.#pending[prefix], this.#emptyPack());
  }

  #begin(): TimeNs {
    this.#startTime ??= this.#context.clock.now();
    return this.#startTime;
  }

  #startMarker(): void {
    if (this.#isBorrowed || this.#markerBlobId !== undefined) return;
    const { crypto, client } = this.#context;
    const startTime = this.#begin();
    const marker = encodeSessionMarker(crypto, {
      id: this.sessionId,
      startTime,
      checkpointTime: startTime,
      username: client.username,
      hostname: client.hostname,
    });
    this.#markerBlobId = marker.id;
    this.#markerStored = this.#putMarker(marker);
    this.#markerStored.catch(this.#context.onFailure);
  }

  async #putMarker(marker: { readonly id: BlobId; readonly data: Uint8Array }): Promise<void> {
    const { storage, clock, maxClockSkewMs } = this.#context;
    const { timestamp } = await storage.put(marker.id, marker.data);
    const skewMs = Number((timestamp - clock.now()) / NS_PER_MS);
    if (maxClockSkewMs !== undefined && Math.abs(skewMs) > maxClockSkewMs) {
      throw new KopiaError(
        "CLOCK_SKEW",
        `the storage's clock differs from this machine's by ${skewMs / 1000} s, at most ${maxClockSkewMs / 1000} s expected`,
        { details: { skewMs, maxClockSkewMs } },
      );
    }
    this.#markerIsStored = true;
  }

  /** Marker first, then the pack (spec 1 §12.2). */
  async #storePack(writer: PackWriter, commit: () => Promise<BlobMetadata>): Promise<void> {
    if (!this.#markerIsStored) {
      try {
        await this.#markerStored;
      } catch (error) {
        await writer.abort().catch(() => undefined);
        throw error;
      }
    }
    this.#context.onPackStored(await commit());
  }

  #enqueue(commit: Omit<PackCommit, "done">): void {
    const stored = commit.stored.then(() => {
      queued.done = true;
      this.#drain();
    });
    stored.catch(this.#context.onFailure);
    const queued: PackCommit = { ...commit, stored, done: false };
    this.#commits.push(queued);
  }

  /** Entries of a later pack may replace those of an earlier one, so they are taken over in order. */
  #drain(): void {
    for (let head = this.#commits[0]; head?.done === true; head = this.#commits[0]) {
      if (this.#durable.size === 0) this.#durable = head.entries;
      else for (const entry of head.entries.entries()) this.#durable.merge(entry);
      this.#commits.shift();
    }
  }
}

function holdsEntryOf(entries: ContentEntryTable, packBlobId: BlobId): boolean {
  for (const entry of entries.entries()) {
    if (entry.packBlobId === packBlobId) return true;
  }
  return false;
}
