import type { TimeNs } from "../base/clock.ts";
import type { ClaimTableParts } from "./claim-table.ts";
import type { SharedCommittedIndex } from "./index/committed-index.ts";
import type { EntryRecordsParts } from "./index/entry-records.ts";

/** What is stored already, as other threads may look it up. Plain data over shared memory. */
export interface SharedContentView {
  readonly index: SharedCommittedIndex;
  /** From then on the index is too old to say that a content is stored (spec 1 §12.4 rule 7). */
  readonly trustedUntil: TimeNs;
  readonly claims: ClaimTableParts;
}

/** With this a thread may write packs: the marker of the session is durable (spec 1 §12.2). */
export interface PackingGrant {
  readonly sessionId: string;
  readonly view: SharedContentView;
}

/** Durable packs of one thread since its last grant. */
export interface PackedContents {
  readonly entries: EntryRecordsParts;
  readonly packCount: number;
  readonly writtenCount: number;
  readonly writtenBytes: number;
  readonly packedBytes: number;
  readonly deduplicatedCount: number;
  readonly deduplicatedBytes: number;
}

/** The threads that write packs for a session, as the session sees them. */
export interface PackingThreads {
  /**
   * Makes every thread end its packs and go on under the next grant, or stop writing without one.
   * Resolves with what each has packed, all of it durable.
   */
  handOver(next: PackingGrant | undefined): Promise<readonly PackedContents[]>;
  /** Replaces what the threads know of stored contents; need not be at once. */
  updateView(view: SharedContentView): void;
}

/** Adds to counts what threads have packed. */
export function addPacked(
  counts: Record<Exclude<keyof PackedContents, "entries">, number>,
  packed: readonly PackedContents[],
): void {
  for (const part of packed) {
    counts.packCount += part.packCount;
    counts.writtenCount += part.writtenCount;
    counts.writtenBytes += part.writtenBytes;
    counts.packedBytes += part.packedBytes;
    counts.deduplicatedCount += part.deduplicatedCount;
    counts.deduplicatedBytes += part.deduplicatedBytes;
  }
}
