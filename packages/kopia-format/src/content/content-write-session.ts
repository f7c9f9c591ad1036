import type { ContentId } from "./content-entry.ts";
import type { ContentWriter } from "./content-store.ts";
import type { PackedAtHand } from "./packed-at-hand.ts";
import type { PackingGrant, PackingThreads } from "./packing-threads.ts";

/** What a write session did so far. */
export interface ContentWriteStats {
  /** Contents stored, with their length before compression and as stored. */
  readonly writtenCount: number;
  readonly writtenBytes: number;
  readonly packedBytes: number;
  /** Contents that were there already. */
  readonly deduplicatedCount: number;
  readonly deduplicatedBytes: number;
  /** Packs that are durable. */
  readonly packCount: number;
  /** Index blobs that are durable. */
  readonly indexBlobCount: number;
}

/** How a write session is opened. */
export interface WriteSessionChoices {
  /**
   * What its flushes made visible becomes part of this client's own index only when that is loaded again. For sessions
   * that move very many contents and never look at them again: the index stays as small as it was. Default false.
   */
  readonly forgetsFlushed?: boolean;
}

/**
 * One write session (spec 1 §9). What is written becomes durable pack by pack and visible to other
 * clients at `flush`. Closing without a flush leaves at most packs that no index names.
 */
export interface ContentWriteSession extends ContentWriter {
  /**
   * Writes a content again into a new pack, keeping whether it is deleted (spec 1 §9.5). For maintenance. The new
   * entry is one second later than the old one, so that it undoes nothing that another client did meanwhile
   * (docs/decisions/0021).
   */
  rewriteContent(id: ContentId, atHand?: PackedAtHand): Promise<void>;
  stats(): ContentWriteStats;
  /** Whether something was written or deleted that no flush has made visible yet. */
  readonly hasPending: boolean;
  /**
   * Lets other threads write packs of this session, until `detachThreads`: makes the session's marker
   * durable and gives what they start with. At most once at a time.
   * @throws KopiaError `SESSION_BROKEN`, storage errors.
   */
  attachThreads(threads: PackingThreads): Promise<PackingGrant>;
  /**
   * Takes over all that the attached threads have written, which then belongs to the next flush. They
   * write no more afterwards.
   * @throws KopiaError `SESSION_BROKEN`, what the threads failed with.
   */
  detachThreads(): Promise<void>;
  /** Tells that an attached thread failed: its contents may be missing, so this session is broken. */
  failThreads(error: unknown): void;
  /** Drops what was not flushed and ends the session; never fails. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
