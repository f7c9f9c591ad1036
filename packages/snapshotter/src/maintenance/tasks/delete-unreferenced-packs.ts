import {
  KopiaError,
  NS_PER_SECOND,
  isKopiaError,
  listSessionMarkers,
  readLocalIndex,
  sessionIdOfBlob,
  toUnixSeconds,
  type BlobId,
  type BlobMetadata,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import { breakerError, isTooMuch, type Breaker } from "../breaker.ts";
import type { Cycle } from "../maintenance-cycle.ts";
import { totalBytes } from "../maintenance-plan.ts";
import type { MaintenanceTask } from "../maintenance-task.ts";
import { recordedGarbageBytes } from "../task-history.ts";
import { assertOnlyMaintainer, refreshTrusted } from "../trusted-storage.ts";

const SESSION_PREFIX = "s";

/** What of a run the plan depends on. */
export type PackDeletionCycle = Pick<
  Cycle,
  | "repository"
  | "safety"
  | "index"
  | "upkeep"
  | "startTime"
  | "dryRun"
  | "breaker"
  | "schedule"
  | "supposed"
>;

/** Packs and session markers that nothing needs. */
export interface PackDeletionPlan {
  readonly toDelete: readonly BlobMetadata[];
  /** Unreferenced, but too young or of a session that may be alive. */
  readonly retained: readonly BlobMetadata[];
}

/** Deletes packs of both kinds and stale sessions (spec 3 §1.10). */
export const deleteAllPacks: MaintenanceTask<PackDeletionPlan> = deletionTask("full", [
  "p",
  "q",
  SESSION_PREFIX,
]);
/** Deletes packs of metadata. */
export const deleteMetadataPacks: MaintenanceTask<PackDeletionPlan> = deletionTask("quick", ["q"]);

function deletionTask(
  name: "full" | "quick",
  prefixes: readonly string[],
): MaintenanceTask<PackDeletionPlan> {
  return {
    name: `${name}-delete-blobs`,
    kind: "deleteUnreferencedPacksStats",
    isVerified: true,
    plan: (cycle) => planPackDeletion(cycle, prefixes),
    describe: (plan) => ({
      lines: [
        `delete ${plan.toDelete.length} packs and session markers (${totalBytes(plan.toDelete)} bytes)`,
        `keep ${plan.retained.length} unreferenced ones that are too young, or of a session that may be alive (${totalBytes(plan.retained)} bytes)`,
      ],
      details: { ...deletionStats(plan), retainedBlobs: plan.retained.map(({ id }) => id) },
      deletes: plan.toDelete,
    }),
    async execute(plan, cycle) {
      if (plan.toDelete.length > 0) await assertOnlyMaintainer(cycle);
      for (const { id } of plan.toDelete) await cycle.repository.storage.delete(id);
      return deletionStats(plan);
    },
  };
}

/**
 * Finds packs that no index entry names, deleted entries included; changes nothing. The listing comes before
 * the look at the index: a pack that appears meanwhile is not in it.
 * @throws KopiaError for a session marker that cannot be read: its packs could not be told from garbage.
 */
export async function planPackDeletion(
  cycle: PackDeletionCycle,
  prefixes: readonly string[],
): Promise<PackDeletionPlan> {
  const { repository, safety, startTime } = cycle;
  const sessions = await checkpoints(cycle);
  const listed: BlobMetadata[] = [];
  for (const prefix of prefixes) {
    for await (const blob of repository.storage.list(prefix)) listed.push(blob);
  }
  await refreshTrusted(cycle);
  const used = usedPacks(cycle);
  const cutoff = startTime + NS_PER_SECOND;
  const toDelete: BlobMetadata[] = [];
  const retained: BlobMetadata[] = [];
  for (const blob of listed) {
    if (used.has(blob.id)) continue;
    const sessionId = sessionIdOfBlob(blob.id);
    const checkpoint = sessionId === undefined ? undefined : sessions.get(sessionId);
    const isYoung = blob.timestamp > cutoff || cutoff - blob.timestamp < safety.packDeleteMinAgeNs;
    const isLive = checkpoint !== undefined && cutoff - checkpoint < safety.sessionExpirationNs;
    (isYoung || isLive ? retained : toDelete).push(blob);
  }
  if (cycle.breaker !== "off") {
    // A session whose marker is still there never wrote its index: its packs were never needed.
    const unfinished = (blob: BlobMetadata): boolean =>
      sessions.has(sessionIdOfBlob(blob.id) ?? "");
    const finished = toDelete.filter((blob) => !unfinished(blob));
    await assertIndexKnew(cycle, finished, cycle.breaker);
  }
  return { toDelete, retained };
}

/** Read at one go, without waiting in between: one consistent view (trap T-15). */
function usedPacks({ repository, supposed }: PackDeletionCycle): Set<BlobId> {
  const used = new Set<BlobId>();
  const { moved, marked, dropSeconds } = supposed;
  const nowSeconds = toUnixSeconds(repository.clock.now());
  let last: BlobId = "";
  repository.contents.visitContents(
    (reader, position) => {
      if (moved?.hasEntry(reader, position) === true) return;
      if (dropSeconds !== undefined) {
        const isMarked = marked?.hasEntry(reader, position) ?? false;
        const seconds = isMarked ? nowSeconds : reader.timestampSecondsAt(position);
        if ((isMarked || reader.isDeletedAt(position)) && seconds <= dropSeconds) return;
      }
      const packId = reader.packBlobIdAt(position);
      if (packId === last) return;
      last = packId;
      used.add(packId);
    },
    { includeDeleted: true },
  );
  return used;
}

/**
 * The breaker for packs. A pack becomes garbage because its contents were dropped or moved, and the index
 * still tells so; packs that no entry of any kind names may be all that is left of a lost index.
 */
async function assertIndexKnew(
  cycle: PackDeletionCycle,
  toDelete: readonly BlobMetadata[],
  breaker: Breaker,
): Promise<void> {
  const known = new Set<BlobId>();
  let liveBytes = 0;
  cycle.repository.contents.visitStoredEntries((reader, position) => {
    known.add(reader.packBlobIdAt(position));
  });
  const unknown = toDelete.filter(({ id }) => !id.startsWith(SESSION_PREFIX) && !known.has(id));
  if (totalBytes(unknown) <= breaker.minBytes) return;
  cycle.repository.contents.visitContents((reader, position) => {
    liveBytes += reader.packedLengthAt(position);
  });
  // The older index scheme forgets dropped entries: there the history says how much was collected.
  const recorded = cycle.upkeep.scheme === "epoch" ? 0 : recordedGarbageBytes(cycle.schedule.runs);
  let unexplainedBytes = -recorded;
  for (const blob of unknown) unexplainedBytes += await unknownContentBytes(cycle, blob);
  if (!isTooMuch(breaker, unexplainedBytes, liveBytes + unexplainedBytes)) return;
  throw breakerError(
    `${unknown.length} packs with ${unexplainedBytes} bytes of contents that no index names would be deleted, beside ${liveBytes} live bytes: ` +
      `more than ${breaker.maxPercent} %. Their index may have been lost, and can be recovered from them`,
    { unexplainedBytes, liveBytes },
  );
}

/** Bytes of a pack whose contents the index does not know at all, by the index inside of it. */
async function unknownContentBytes(
  { repository, index }: PackDeletionCycle,
  { id, lengthBytes }: BlobMetadata,
): Promise<number> {
  try {
    const local = await readLocalIndex(repository.storage, index, id);
    let bytes = 0;
    for (let position = 0; position < local.entryCount; position++) {
      if (local.isDeletedAt(position)) continue;
      if (!repository.contents.hasStoredEntry(local.contentIdAt(position))) {
        bytes += local.packedLengthAt(position);
      }
    }
    return bytes;
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    return lengthBytes;
  }
}

async function checkpoints({ repository, index }: PackDeletionCycle): Promise<Map<string, TimeNs>> {
  const latest = new Map<string, TimeNs>();
  for (const { blobId, marker } of await listSessionMarkers(repository.storage, index)) {
    const sessionId = sessionIdOfBlob(blobId);
    if (sessionId === undefined) {
      throw new KopiaError(
        "CONTENT_CORRUPT",
        `session marker ${blobId} has no session in its name; no pack was deleted`,
        { details: { blobId } },
      );
    }
    const known = latest.get(sessionId);
    if (known === undefined || marker.checkpointTime > known) {
      latest.set(sessionId, marker.checkpointTime);
    }
  }
  return latest;
}

function deletionStats({ toDelete, retained }: PackDeletionPlan): Record<string, number> {
  const deletedBytes = totalBytes(toDelete);
  const retainedBytes = totalBytes(retained);
  return {
    unreferencedPackCount: toDelete.length + retained.length,
    unreferencedTotalSize: deletedBytes + retainedBytes,
    deletedPackCount: toDelete.length,
    deletedTotalSize: deletedBytes,
    retainedPackCount: retained.length,
    retainedTotalSize: retainedBytes,
  };
}
