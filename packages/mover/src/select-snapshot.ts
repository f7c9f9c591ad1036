import { KopiaError, isKopiaError, parseGoTime } from "@kopia-engine/kopia-format";
import type { SnapshotManifest } from "@kopia-engine/snapshotter";
import type { RestoreSelection } from "./environment.ts";

/**
 * The snapshot that a restore takes: complete ones only, newest first, not after `asOf`, `previous`
 * of them skipped (spec 4 §2.8). `undefined` when nothing is left.
 * @throws KopiaError `MOVER_ENVIRONMENT` when `asOf` is not an RFC 3339 time.
 */
export function selectSnapshot(
  snapshots: readonly SnapshotManifest[],
  selection: Pick<RestoreSelection, "asOf" | "previous">,
): SnapshotManifest | undefined {
  const latestStart = selection.asOf === undefined ? undefined : parseAsOf(selection.asOf);
  return snapshots
    .filter(({ incompleteReason }) => incompleteReason === "")
    .filter(({ startTime }) => latestStart === undefined || startTime <= latestStart)
    .toSorted((a, b) => (a.startTime === b.startTime ? 0 : a.startTime < b.startTime ? 1 : -1))
    .at(selection.previous);
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
