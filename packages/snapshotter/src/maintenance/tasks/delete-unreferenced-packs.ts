import {
  KopiaError,
  NS_PER_SECOND,
  listSessionMarkers,
  sessionIdOfBlob,
  type BlobId,
  type BlobMetadata,
  type IndexBlobManagerOptions,
  type Repository,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import type { SafetyParameters } from "../safety-parameters.ts";

/** Kinds of blobs that are looked at (spec 3 §1.10). */
const PREFIXES = ["p", "q", "s"] as const;

/** Packs and session markers that nothing needs. */
export interface PackDeletionPlan {
  readonly toDelete: readonly BlobMetadata[];
  /** Unreferenced, but too young or of a session that may be alive. */
  readonly retained: readonly BlobMetadata[];
}

/** Input of `planPackDeletion`. */
export interface PackDeletionInput {
  readonly repository: Repository;
  readonly crypto: Pick<IndexBlobManagerOptions, "hash" | "encryptor">;
  readonly safety: SafetyParameters;
  /** Storage's time of the maintenance start. */
  readonly startTime: TimeNs;
}

/**
 * Finds packs that no index entry names, deleted entries included (spec 3 §1.10); changes nothing. The
 * listing comes before the look at the index: a pack that appears meanwhile is not in it.
 * @throws KopiaError for a session marker that cannot be read: its packs could not be told from garbage.
 */
export async function planPackDeletion(input: PackDeletionInput): Promise<PackDeletionPlan> {
  const { repository, crypto, safety, startTime } = input;
  const sessions = await checkpoints(repository, crypto);
  const listed: BlobMetadata[] = [];
  for (const prefix of PREFIXES) {
    for await (const blob of repository.storage.list(prefix)) listed.push(blob);
  }
  await repository.refresh();
  const used = usedPacks(repository);
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
  return { toDelete, retained };
}

/** Deletes what the plan says. */
export async function executePackDeletion(
  repository: Repository,
  plan: PackDeletionPlan,
): Promise<void> {
  for (const { id } of plan.toDelete) await repository.storage.delete(id);
}

/** Read at one go, without waiting in between: one consistent view (trap T-15). */
function usedPacks({ contents }: Repository): Set<BlobId> {
  const used = new Set<BlobId>();
  for (const { packBlobId } of contents.contents({ includeDeleted: true })) used.add(packBlobId);
  return used;
}

async function checkpoints(
  { storage }: Repository,
  crypto: PackDeletionInput["crypto"],
): Promise<Map<string, TimeNs>> {
  const latest = new Map<string, TimeNs>();
  for (const { blobId, marker } of await listSessionMarkers(storage, crypto)) {
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
