import { KopiaError, isKopiaError, parseGoTime } from "@kopia-engine/kopia-format";
import type { SnapshotManifest } from "@kopia-engine/snapshotter";
import type { RestoreSelection } from "../environment/environment.ts";
import { isGuarded } from "../guard/shrink-guard.ts";

/** Which snapshot a restore takes, and what it passed over. */
export interface Selected {
  /** `undefined`: nothing is left. */
  readonly snapshot?: SnapshotManifest;
  /** Newer ones that were not taken although nobody asked to skip them: incomplete or marked by the guard. */
  readonly passedOver: readonly SnapshotManifest[];
  /** Whole snapshots that could be taken, newest first. */
  readonly candidates: readonly SnapshotManifest[];
}

/**
 * The snapshot that a restore takes: whole and trusted ones only, newest first, not after `asOf`,
 * `previous` of them skipped, inside a window of `shallow` (spec 4 §2.8, §0.4 item 8).
 * @throws KopiaError `MOVER_ENVIRONMENT` when `asOf` is not an RFC 3339 time; `SNAPSHOT_NOT_FOUND` when
 * there are candidates but `previous` is beyond them, or the wanted ID is not among them.
 */
export function selectSnapshot(
  snapshots: readonly SnapshotManifest[],
  selection: Omit<RestoreSelection, "discover" | "required" | "deleteExtra">,
): Selected {
  const latestStart = selection.asOf === undefined ? undefined : parseAsOf(selection.asOf);
  const eligible = snapshots
    .filter(({ startTime }) => latestStart === undefined || startTime <= latestStart)
    .toSorted((a, b) => (a.startTime === b.startTime ? 0 : a.startTime < b.startTime ? 1 : -1));
  const isCandidate = (snapshot: SnapshotManifest): boolean =>
    snapshot.incompleteReason === "" && (selection.allowGuarded || !isGuarded(snapshot));
  const candidates = eligible.filter(isCandidate).slice(0, selection.shallow ?? undefined);
  if (candidates.length === 0) return { passedOver: eligible, candidates };
  const snapshot = candidates[selection.previous];
  if (snapshot === undefined)
    throw new KopiaError(
      "SNAPSHOT_NOT_FOUND",
      `KOPIA_PREVIOUS=${selection.previous}, but there are only ${candidates.length} snapshots to choose from`,
    );
  const passedOver = eligible.filter(
    (other) => !isCandidate(other) && other.startTime > snapshot.startTime,
  );
  return { snapshot, passedOver, candidates };
}

function parseAsOf(text: string): bigint {
  try {
    return parseGoTime(text);
  } catch (cause) {
    if (!isKopiaError(cause)) throw cause;
    throw new KopiaError(
      "MOVER_ENVIRONMENT",
      `KOPIA_RESTORE_AS_OF must be an RFC 3339 time, not "${text}"`,
      { cause },
    );
  }
}
