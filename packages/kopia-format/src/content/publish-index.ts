import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { BlobMetadata, BlobStorage } from "../blob/storage.ts";
import { assertFlushedInTime } from "./assert-flushed-in-time.ts";
import type { IndexBlobManager } from "./index-blob/index-blob-manager.ts";
import { buildIndexShards } from "./index/build-index.ts";
import type { ContentEntryTable } from "./index/entry-table.ts";
import type { SessionUnit } from "./session-unit.ts";

/** What publishing works with. */
export interface PublishContext {
  readonly storage: BlobStorage;
  readonly clock: Clock;
  readonly indexBlobs: IndexBlobManager;
  readonly indexVersion: number;
}

/** Index blobs as stored, and their bytes. */
export interface PublishedIndex {
  readonly blobs: readonly BlobMetadata[];
  readonly shards: readonly Bytes[];
}

/**
 * Makes entries visible to everyone, their packs being durable already. When that came too late it is taken
 * back: what the entries name may be gone.
 * @throws KopiaError `SESSION_EXPIRED`, and as `IndexBlobManager.writeFlush`.
 */
export async function publishIndex(
  { storage, clock, indexBlobs, indexVersion: version }: PublishContext,
  { sessionId, startTime }: Pick<SessionUnit, "sessionId" | "startTime">,
  entries: ContentEntryTable,
): Promise<PublishedIndex> {
  assertFlushedInTime(clock, sessionId, startTime);
  const shards = buildIndexShards(entries, { version });
  const blobs = await indexBlobs.writeFlush(shards, sessionId);
  try {
    assertFlushedInTime(clock, sessionId, startTime);
  } catch (error) {
    for (const { id } of blobs) await storage.delete(id);
    throw error;
  }
  return { blobs, shards };
}
