import { KopiaError, type ManifestReader, type ManifestWriter } from "@kopia-engine/kopia-format";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { deleteSnapshot, listSnapshots, saveSnapshot } from "../model/snapshot-store.ts";
import { type Source, sourcesEqual } from "../model/source.ts";

/** One snapshot of a history that is copied or moved. */
export interface HistoryStep {
  readonly snapshot: SnapshotManifest;
  readonly destination: Source;
  /** The destination has the same snapshot already: it is not copied, and a move only removes the original. */
  readonly exists: boolean;
}

/** Which history goes where. */
export interface HistoryTransfer {
  /** Parts that are empty match everything. */
  readonly source: Source;
  /** Parts that are empty stay as they are. */
  readonly destination: Source;
}

/**
 * Plans `copy-history` and `move-history` (spec 2 §9.11); writes nothing. Ordered by start time; snapshots that
 * would stay where they are, are left out.
 * @throws KopiaError `ARGUMENT_INVALID` when many sources would fall together: a destination path without a
 * source path, or a destination user without a source user.
 */
export async function planHistory(
  manifests: ManifestReader,
  { source, destination }: HistoryTransfer,
): Promise<readonly HistoryStep[]> {
  if (destination.path !== "" && source.path === "")
    throw refusal("path", "a path in the destination needs a path in the source");
  if (destination.userName !== "" && source.userName === "")
    throw refusal("user", "a user in the destination needs a user in the source");
  const snapshots = await listSnapshots(manifests, { source: givenParts(source) });
  const known = new Map<string, readonly SnapshotManifest[]>();
  const steps: HistoryStep[] = [];
  for (const snapshot of snapshots) {
    const target = {
      userName: destination.userName || snapshot.source.userName,
      host: destination.host || snapshot.source.host,
      path: destination.path || snapshot.source.path,
    };
    if (sourcesEqual(snapshot.source, target)) continue;
    const key = JSON.stringify(target);
    const there = known.get(key) ?? (await listSnapshots(manifests, { source: target }));
    known.set(key, there);
    const exists = there.some(
      (other) =>
        other.startTime === snapshot.startTime &&
        other.rootEntry?.objectId === snapshot.rootEntry?.objectId,
    );
    steps.push({ snapshot, destination: target, exists });
  }
  return steps;
}

/**
 * Carries out one step: the manifest is stored under its new name, and with `move` the old one deleted after
 * that. The session's flush makes it durable; interrupted anywhere, the next run does the rest.
 */
export async function executeHistoryStep(
  manifests: ManifestWriter,
  { snapshot, destination, exists }: HistoryStep,
  { move }: { readonly move: boolean },
): Promise<void> {
  // A snapshot that would be copied onto itself is left alone, above all by a move.
  if (sourcesEqual(snapshot.source, destination)) return;
  if (!exists) await saveSnapshot(manifests, { ...snapshot, id: "", source: destination });
  if (move) await deleteSnapshot(manifests, snapshot.id);
}

function givenParts({ userName, host, path }: Source): Partial<Source> {
  return {
    ...(userName === "" ? {} : { userName }),
    ...(host === "" ? {} : { host }),
    ...(path === "" ? {} : { path }),
  };
}

function refusal(part: string, text: string): KopiaError {
  return new KopiaError("ARGUMENT_INVALID", text, { details: { part } });
}
