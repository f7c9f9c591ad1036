import type { SnapshotManifest } from "@kopia-engine/snapshotter";
import type { ShrinkGuardSettings } from "../environment/environment.ts";

/** Tag of a snapshot that the guard did not trust. Its value is the reason. */
export const SHRINK_GUARD_TAG = "tag:shrink-guard";

/** What the guard thinks of a source. */
export type ShrinkVerdict =
  | { readonly kind: "trusted" }
  | {
      readonly kind: "shrunk";
      /** For the log and the tag. */
      readonly reason: string;
      readonly fileCount: number;
      readonly goodFileCount: number;
    };

/** Whether a snapshot carries the guard's mark. */
export function isGuarded(snapshot: Pick<SnapshotManifest, "tags">): boolean {
  return snapshot.tags[SHRINK_GUARD_TAG] !== undefined;
}

/**
 * The measure: the newest whole snapshot that the guard trusted.
 * @param snapshots of one source, in any order.
 */
export function lastTrusted(snapshots: readonly SnapshotManifest[]): SnapshotManifest | undefined {
  return snapshots
    .filter((snapshot) => snapshot.incompleteReason === "" && !isGuarded(snapshot))
    .reduce<SnapshotManifest | undefined>(
      (newest, snapshot) =>
        newest === undefined || snapshot.startTime > newest.startTime ? snapshot : newest,
      undefined,
    );
}

/** Files and links of a snapshot: what its owner would miss. Directories alone hold no data. */
export function entryCount(snapshot: SnapshotManifest): number {
  const root = snapshot.rootEntry;
  if (root !== undefined && root.type !== "d") return 1;
  return (root?.summary?.fileCount ?? 0) + (root?.summary?.symlinkCount ?? 0);
}

/**
 * Judges a source with `fileCount` files against the last snapshot that was trusted. A source that lost
 * more than the allowed part is suspicious: an unmounted volume, an emptied directory, a wrong path.
 */
export function judgeShrink(
  settings: ShrinkGuardSettings,
  fileCount: number,
  good: SnapshotManifest | undefined,
): ShrinkVerdict {
  const { maxLossPercent, accept } = settings;
  const goodFileCount = good === undefined ? 0 : entryCount(good);
  if (maxLossPercent === undefined || accept || goodFileCount === 0) return { kind: "trusted" };
  const lostPercent = ((goodFileCount - fileCount) / goodFileCount) * 100;
  const isShrunk = fileCount === 0 || lostPercent > maxLossPercent;
  if (!isShrunk) return { kind: "trusted" };
  const reason = `${fileCount} files where snapshot ${good?.id ?? ""} has ${goodFileCount}`;
  return { kind: "shrunk", reason, fileCount, goodFileCount };
}
