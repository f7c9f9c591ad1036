import { KopiaError, type ManifestReader, type ManifestWriter } from "@kopia-engine/kopia-format";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import type { Source } from "../model/source.ts";
import type { RetentionPolicy } from "../policy/policy.ts";

/** A snapshot with why it stays: reasons, pins, or neither. */
export interface ExpireDecision {
  readonly snapshot: SnapshotManifest;
  readonly reasons: readonly string[];
}

/** What expiry of one source would do. */
export interface ExpirePlan {
  readonly source: Source;
  /** Ordered by start time. */
  readonly kept: readonly ExpireDecision[];
  /** Ordered by start time: no reason and no pin. */
  readonly deleted: readonly SnapshotManifest[];
}

/** Plans the expiry of one source from all its snapshots; deletes nothing. */
export function planExpire(options: {
  readonly source: Source;
  readonly snapshots: readonly SnapshotManifest[];
  /** The source's effective retention. */
  readonly policy: RetentionPolicy;
  /** IANA zone, see `computeRetention`. */
  readonly timeZone: string;
}): ExpirePlan {
  throw new KopiaError("NOT_IMPLEMENTED", options.source.path);
}

/** Loads snapshots and effective policy of a source and plans its expiry. */
export async function planSourceExpire(
  manifests: ManifestReader,
  source: Source,
  timeZone: string,
): Promise<ExpirePlan> {
  await Promise.resolve();
  void manifests;
  void source;
  throw new KopiaError("NOT_IMPLEMENTED", timeZone);
}

/** Deletes what the plan says, oldest first; the session's flush makes it durable. */
export async function executeExpire(
  manifests: ManifestWriter,
  plan: ExpirePlan,
): Promise<readonly SnapshotManifest[]> {
  for (const snapshot of plan.deleted) await manifests.delete(snapshot.id);
  return plan.deleted;
}
