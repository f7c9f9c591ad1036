import {
  isKopiaError,
  KopiaError,
  type ManifestEntry,
  type ManifestId,
  type ManifestLabels,
  type ManifestReader,
  type ManifestWriter,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import { compareUtf8 } from "./name-order.ts";
import {
  decodeSnapshotManifest,
  encodeSnapshotManifest,
  snapshotLabels,
} from "./snapshot-codec.ts";
import type { SnapshotManifest } from "./snapshot-manifest.ts";
import { formatSource, validateSnapshotSource, type Source } from "./source.ts";

const SNAPSHOT_TYPE = "snapshot";
const RESERVED_LABELS: ReadonlySet<string> = new Set(["type", "hostname", "username", "path"]);

/** Which snapshots to list. */
export interface SnapshotFilter {
  /** Parts that are given must be equal. */
  readonly source?: Partial<Source>;
  /** Tags that must be present, keys with their `tag:` prefix. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** Told about a manifest that cannot be read; listing goes on without it (spec 2 §5.1). */
export type InvalidSnapshotHandler = (id: ManifestId, error: KopiaError) => void;

/** Snapshots of one source. */
export interface SourceSnapshots {
  readonly source: Source;
  /** Ordered by start time, then end time. */
  readonly snapshots: readonly SnapshotManifest[];
}

/**
 * All snapshots that match, ordered by start time, then end time. Manifests that do not parse are reported
 * and skipped; one that cannot be read from the repository is an error.
 */
export async function listSnapshots(
  manifests: ManifestReader,
  filter: SnapshotFilter = {},
  onInvalid?: InvalidSnapshotHandler,
): Promise<SnapshotManifest[]> {
  const snapshots: SnapshotManifest[] = [];
  for (const { id } of await manifests.find(filterLabels(filter))) {
    const payload = await manifests.getPayload(id);
    try {
      snapshots.push(decodeSnapshotManifest(payload, id));
    } catch (error) {
      if (!isKopiaError(error, "SNAPSHOT_INVALID")) throw error;
      onInvalid?.(id, error);
    }
  }
  return snapshots.sort(compareSnapshots);
}

/** Order by start time, then end time (spec 2 §5.7). */
export function compareSnapshots(a: SnapshotManifest, b: SnapshotManifest): number {
  return compareTimes(a.startTime, b.startTime) || compareTimes(a.endTime, b.endTime);
}

/**
 * Groups by exact source, as the manifests say it; groups are ordered by printed source (spec 2 §5.7).
 */
export function groupBySource(snapshots: readonly SnapshotManifest[]): SourceSnapshots[] {
  const groups = new Map<string, { source: Source; snapshots: SnapshotManifest[] }>();
  for (const snapshot of snapshots.toSorted(compareSnapshots)) {
    const key = sourceKey(snapshot.source);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { source: snapshot.source, snapshots: [snapshot] });
    else group.snapshots.push(snapshot);
  }
  return [...groups.values()].sort((a, b) => compareSources(a.source, b.source));
}

/** Sources that have snapshots, by their labels, ordered as printed. Reads no payload. */
export async function listSources(manifests: ManifestReader): Promise<Source[]> {
  const sources = new Map<string, Source>();
  for (const { labels } of await manifests.find({ type: SNAPSHOT_TYPE })) {
    const source = {
      userName: labels["username"] ?? "",
      host: labels["hostname"] ?? "",
      path: labels["path"] ?? "",
    };
    sources.set(sourceKey(source), source);
  }
  return [...sources.values()].sort(compareSources);
}

/**
 * One snapshot by manifest ID.
 * @throws KopiaError `SNAPSHOT_NOT_FOUND` (also when the manifest is of another type), `SNAPSHOT_INVALID`.
 */
export async function loadSnapshot(
  manifests: ManifestReader,
  id: ManifestId,
): Promise<SnapshotManifest> {
  const entry = await findManifest(manifests, id);
  if (entry?.labels["type"] !== SNAPSHOT_TYPE) {
    throw new KopiaError("SNAPSHOT_NOT_FOUND", `there is no snapshot with manifest ID "${id}"`, {
      details: { manifestId: id },
    });
  }
  return decodeSnapshotManifest(await manifests.getPayload(id), id);
}

/** Snapshots named by a manifest ID, else by a root object ID; empty when there is none (spec 2 §9.4). */
export async function findSnapshotsById(
  manifests: ManifestReader,
  id: string,
): Promise<SnapshotManifest[]> {
  const entry = await findManifest(manifests, id);
  if (entry?.labels["type"] === SNAPSHOT_TYPE) return [await loadSnapshot(manifests, id)];
  const all = await listSnapshots(manifests);
  return all.filter(({ rootEntry }) => rootEntry?.objectId === id);
}

/**
 * Saves a new snapshot manifest and returns it with its ID. An ID it had before is ignored. What is written is
 * read back first: a manifest that does not parse would make its data garbage (spec 2 §12.1 trap 19).
 * @throws KopiaError `SNAPSHOT_INVALID` (no root object, reserved or empty tag), `SOURCE_INVALID`.
 */
export async function saveSnapshot(
  manifests: ManifestWriter,
  manifest: SnapshotManifest,
): Promise<SnapshotManifest> {
  validateSnapshotSource(manifest.source);
  validateSnapshot(manifest);
  const payload = encodeSnapshotManifest(manifest);
  const decoded = decodeSnapshotManifest(payload, "");
  const id = await manifests.put(snapshotLabels(decoded), payload);
  return { ...manifest, id };
}

/** Saves the changed manifest under a new ID, then deletes the old one (spec 2 §9.6). */
export async function replaceSnapshot(
  manifests: ManifestWriter,
  manifest: SnapshotManifest,
): Promise<SnapshotManifest> {
  const saved = await saveSnapshot(manifests, manifest);
  if (manifest.id !== "") await deleteSnapshot(manifests, manifest.id);
  return saved;
}

/** Deletes a snapshot's manifest; its data becomes garbage for later maintenance. */
export async function deleteSnapshot(manifests: ManifestWriter, id: ManifestId): Promise<void> {
  await manifests.delete(id);
}

/**
 * Snapshots whose entries may be reused (spec 2 §5.6): the newest complete one, then every incomplete
 * one that started later, newest first.
 */
export async function findPreviousSnapshots(
  manifests: ManifestReader,
  source: Source,
  options: {
    /** Only snapshots that started before this time. */
    readonly before?: TimeNs;
    readonly onInvalid?: InvalidSnapshotHandler;
  } = {},
): Promise<SnapshotManifest[]> {
  const { before } = options;
  const all = await listSnapshots(manifests, { source }, options.onInvalid);
  const earlier = all.filter(({ startTime }) => before === undefined || startTime < before);
  const complete = earlier.findLast(({ incompleteReason }) => incompleteReason === "");
  const incomplete = earlier.filter(
    ({ incompleteReason, startTime }) =>
      incompleteReason !== "" && (complete === undefined || startTime > complete.startTime),
  );
  return [...(complete === undefined ? [] : [complete]), ...incomplete.reverse()];
}

function validateSnapshot(manifest: SnapshotManifest): void {
  const printed = formatSource(manifest.source);
  if ((manifest.rootEntry?.objectId ?? "") === "") {
    throw new KopiaError("SNAPSHOT_INVALID", `the snapshot of ${printed} has no root object`, {
      details: { source: printed },
    });
  }
  for (const key of Object.keys(manifest.tags)) {
    if (key !== "" && !RESERVED_LABELS.has(key)) continue;
    throw new KopiaError("SNAPSHOT_INVALID", `the tag key "${key}" is reserved or empty`, {
      details: { source: printed, tag: key },
    });
  }
}

function filterLabels(filter: SnapshotFilter): ManifestLabels {
  const labels: Record<string, string> = Object.create(null) as Record<string, string>;
  Object.assign(labels, filter.tags ?? {});
  labels["type"] = SNAPSHOT_TYPE;
  const { host, userName, path } = filter.source ?? {};
  if (host !== undefined) labels["hostname"] = host;
  if (userName !== undefined) labels["username"] = userName;
  if (path !== undefined) labels["path"] = path;
  return labels;
}

async function findManifest(
  manifests: ManifestReader,
  id: ManifestId,
): Promise<ManifestEntry | undefined> {
  try {
    return await manifests.getEntry(id);
  } catch (error) {
    if (isKopiaError(error, "MANIFEST_NOT_FOUND")) return undefined;
    throw error;
  }
}

/** An unambiguous key: no part holds a zero byte that came from a file system. */
function sourceKey({ userName, host, path }: Source): string {
  return `${userName}\0${host}\0${path}`;
}

function compareSources(a: Source, b: Source): number {
  return compareUtf8(formatSource(a), formatSource(b));
}

function compareTimes(a: TimeNs, b: TimeNs): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
