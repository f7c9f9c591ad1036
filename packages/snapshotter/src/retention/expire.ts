import type { ManifestReader, ManifestWriter } from "@kopia-engine/kopia-format";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { compareSnapshots, deleteSnapshot, listSnapshots } from "../model/snapshot-store.ts";
import type { Source } from "../model/source.ts";
import { getEffectivePolicy } from "../policy/policy-store.ts";
import type { RetentionPolicy } from "../policy/policy.ts";
import { computeRetention } from "./compute-retention.ts";

/** A snapshot that stays: it has reasons, pins, or both. */
export interface KeptSnapshot {
  readonly snapshot: SnapshotManifest;
  readonly reasons: readonly string[];
}

/** What expiry of one source would do. */
export interface ExpirePlan {
  readonly source: Source;
  /** Ordered by start time. */
  readonly kept: readonly KeptSnapshot[];
  /** Ordered by start time: no reason and no pin. */
  readonly deleted: readonly SnapshotManifest[];
}

/** What `planExpire` needs. */
export interface ExpireInput {
  readonly source: Source;
  /** All snapshots of the source, in any order. */
  readonly snapshots: readonly SnapshotManifest[];
  /** The source's effective retention. */
  readonly policy: RetentionPolicy;
  /** IANA zone, see `computeRetention`. */
  readonly timeZone: string;
}

/** Plans the expiry of one source; deletes nothing. @throws KopiaError `ARGUMENT_INVALID` for an unknown zone. */
export function planExpire({ source, snapshots, policy, timeZone }: ExpireInput): ExpirePlan {
  const ordered = snapshots.toSorted(compareSnapshots);
  const reasons = computeRetention(ordered, policy, timeZone);
  const kept: KeptSnapshot[] = [];
  const deleted: SnapshotManifest[] = [];
  for (const [index, snapshot] of ordered.entries()) {
    const own = reasons[index] ?? [];
    if (own.length === 0 && snapshot.pins.length === 0) deleted.push(snapshot);
    else kept.push({ snapshot, reasons: own });
  }
  return { source, kept, deleted };
}

/**
 * Loads snapshots and effective policy of a source and plans its expiry.
 * @throws KopiaError `POLICY_INVALID`, `ARGUMENT_INVALID` and those of the manifests.
 */
export async function planSourceExpire(
  manifests: ManifestReader,
  source: Source,
  timeZone: string,
): Promise<ExpirePlan> {
  const { policy } = await getEffectivePolicy(manifests, source);
  const snapshots = await listSnapshots(manifests, { source });
  return planExpire({ source, snapshots, policy: policy.retention, timeZone });
}

/**
 * Deletes what the plan says, oldest first; the session's flush makes it durable. Interrupted anywhere, the next
 * plan deletes the rest.
 * @returns the deleted snapshots.
 */
export async function executeExpire(
  manifests: ManifestWriter,
  plan: ExpirePlan,
): Promise<readonly SnapshotManifest[]> {
  for (const snapshot of plan.deleted) await deleteSnapshot(manifests, snapshot.id);
  return plan.deleted;
}
