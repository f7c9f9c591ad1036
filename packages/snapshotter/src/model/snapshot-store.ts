import {
  KopiaError,
  type ManifestId,
  type ManifestReader,
  type ManifestWriter,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import type { SnapshotManifest } from "./snapshot-manifest.ts";
import type { Source } from "./source.ts";

/** Which snapshots to list. */
export interface SnapshotFilter {
  /** Parts that are given must be equal. */
  readonly source?: Partial<Source>;
  /** Tags that must be present, keys with their `tag:` prefix. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** A manifest that cannot be read; listing goes on without it (spec 2 §5.1). */
export type InvalidSnapshotHandler = (id: ManifestId, error: KopiaError) => void;

/** Snapshots, grouped by source. */
export interface SourceSnapshots {
  readonly source: Source;
  /** Ordered by start time, then end time. */
  readonly snapshots: readonly SnapshotManifest[];
}

/** All snapshots that match, ordered by start time, then end time. Unreadable manifests are reported and skipped. */
export async function listSnapshots(
  manifests: ManifestReader,
  filter: SnapshotFilter = {},
  onInvalid?: InvalidSnapshotHandler,
): Promise<SnapshotManifest[]> {
  await Promise.resolve();
  void manifests;
  void filter;
  void onInvalid;
  throw new KopiaError("NOT_IMPLEMENTED", "listSnapshots");
}

/** Groups by exact source; groups are ordered by printed source (spec 2 §5.7). */
export function groupBySource(snapshots: readonly SnapshotManifest[]): SourceSnapshots[] {
  void snapshots;
  throw new KopiaError("NOT_IMPLEMENTED", "groupBySource");
}

/** Sources that have snapshots, ordered as printed. */
export async function listSources(manifests: ManifestReader): Promise<Source[]> {
  await Promise.resolve();
  void manifests;
  throw new KopiaError("NOT_IMPLEMENTED", "listSources");
}

/**
 * One snapshot by manifest ID.
 * @throws KopiaError `SNAPSHOT_NOT_FOUND` (also when the manifest is of another type), `SNAPSHOT_INVALID`.
 */
export async function loadSnapshot(
  manifests: ManifestReader,
  id: ManifestId,
): Promise<SnapshotManifest> {
  await Promise.resolve();
  void manifests;
  throw new KopiaError("NOT_IMPLEMENTED", id);
}

/** Snapshots named by a manifest ID, else by a root object ID; empty when there is none (spec 2 §9.4). */
export async function findSnapshotsById(
  manifests: ManifestReader,
  id: string,
): Promise<SnapshotManifest[]> {
  await Promise.resolve();
  void manifests;
  throw new KopiaError("NOT_IMPLEMENTED", id);
}

/**
 * Saves a new snapshot manifest and returns it with its ID. An ID it had before is ignored.
 * @throws KopiaError `SNAPSHOT_INVALID` (no root object, reserved or empty tag), `SOURCE_INVALID`.
 */
export async function saveSnapshot(
  manifests: ManifestWriter,
  manifest: SnapshotManifest,
): Promise<SnapshotManifest> {
  await Promise.resolve();
  void manifests;
  void manifest;
  throw new KopiaError("NOT_IMPLEMENTED", "saveSnapshot");
}

/** Saves the changed manifest under a new ID, then deletes the old one (spec 2 §9.6). */
export async function replaceSnapshot(
  manifests: ManifestWriter,
  manifest: SnapshotManifest,
): Promise<SnapshotManifest> {
  const saved = await saveSnapshot(manifests, manifest);
  await deleteSnapshot(manifests, manifest.id);
  return saved;
}

/** Deletes a snapshot's manifest; its data becomes garbage for later maintenance. */
export async function deleteSnapshot(manifests: ManifestWriter, id: ManifestId): Promise<void> {
  await manifests.delete(id);
}

/**
 * Snapshots whose entries may be reused (spec 2 §5.6): the newest complete one, then every incomplete
 * one that started later (newest first).
 * @param before only snapshots that started before this time.
 */
export async function findPreviousSnapshots(
  manifests: ManifestReader,
  source: Source,
  options: { readonly before?: TimeNs; readonly onInvalid?: InvalidSnapshotHandler } = {},
): Promise<SnapshotManifest[]> {
  await Promise.resolve();
  void manifests;
  void source;
  void options;
  throw new KopiaError("NOT_IMPLEMENTED", "findPreviousSnapshots");
}
