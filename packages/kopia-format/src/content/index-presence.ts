import { KopiaError } from "../base/errors.ts";
import type { BlobId, BlobStorage } from "../blob/storage.ts";
import { PACK_PREFIXES } from "./pack/pack-id.ts";
import { SESSION_BLOB_PREFIX, sessionIdOfBlob } from "./session.ts";

/**
 * Refuses a repository whose packs have lost their index: a snapshot written now would store everything
 * again, and upkeep would delete the old packs as unreferenced. Call it when the index is empty.
 *
 * Packs of a session whose marker is still there were never indexed: a client died before its first
 * flush. A marker is deleted only after the index, so a pack without one once had an index (spec 1 §9.2).
 * @throws KopiaError `REPOSITORY_INDEX_MISSING` naming a pack.
 */
export async function assertNoOrphanedPacks(storage: BlobStorage): Promise<void> {
  const packs = await listPacks(storage);
  if (packs.length === 0) return;
  const unfinished = new Set<string | undefined>();
  for await (const { id } of storage.list(SESSION_BLOB_PREFIX)) unfinished.add(sessionIdOfBlob(id));
  const orphans = packs.filter((pack) => {
    const session = sessionIdOfBlob(pack);
    return session === undefined || !unfinished.has(session);
  });
  if (orphans.length === 0) return;
  throw new KopiaError(
    "REPOSITORY_INDEX_MISSING",
    `the repository has ${packs.length} packs but no index, for example ${orphans[0]}`,
    { details: { packCount: packs.length, packBlobId: orphans[0] as string } },
  );
}

async function listPacks(storage: BlobStorage): Promise<BlobId[]> {
  const packs: BlobId[] = [];
  for (const prefix of PACK_PREFIXES) {
    for await (const { id } of storage.list(prefix)) packs.push(id);
  }
  return packs;
}
