import {
  asArray,
  asBigInteger,
  asInteger,
  asObject,
  asString,
  entriesOf,
  errorMessage,
  field,
  goStringify,
  isKopiaError,
  KopiaError,
  parseJson,
  RawJson,
  type JsonObject,
  type ManifestId,
  type ManifestLabels,
} from "@kopia-engine/kopia-format";
import { EntryFormatter } from "./entry-formatter.ts";
import {
  entryFromJson,
  entryToJson,
  timeFromJson,
  timeToJson,
  type JsonOutput,
} from "./entry-json.ts";
import type { SnapshotManifest, SnapshotStats } from "./snapshot-manifest.ts";
import type { Source } from "./source.ts";

/** Statistics of nothing. */
export const EMPTY_STATS: SnapshotStats = {
  totalFileSizeBytes: 0n,
  excludedTotalFileSizeBytes: 0n,
  fileCount: 0,
  cachedFileCount: 0,
  nonCachedFileCount: 0,
  directoryCount: 0,
  excludedFileCount: 0,
  excludedDirectoryCount: 0,
  ignoredErrorCount: 0,
  errorCount: 0,
};

/** Payload of a snapshot manifest: compact JSON with the ID empty, as stored (spec 2 §5.1). */
export function encodeSnapshotManifest(manifest: SnapshotManifest): string {
  const { rootEntry } = manifest;
  return goStringify({
    ...snapshotToJson({ ...manifest, id: "" }),
    // As in listings, since the name of a source that is not UTF-8 is escaped byte by byte.
    rootEntry: rootEntry === undefined ? null : new RawJson(new EntryFormatter().entry(rootEntry)),
  });
}

/**
 * Reads a stored payload; unknown fields are ignored, key case does not matter.
 * @throws KopiaError `SNAPSHOT_INVALID`.
 */
export function decodeSnapshotManifest(payload: string, id: ManifestId): SnapshotManifest {
  const where = `snapshot ${id}`;
  try {
    return manifestFromJson(asObject(parseJson(payload, { where }), where), { id, where });
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    throw new KopiaError("SNAPSHOT_INVALID", `${where} cannot be read: ${errorMessage(error)}`, {
      cause: error,
      details: { manifestId: id },
    });
  }
}

/** Labels of a snapshot's manifest: type, source and tags (spec 2 §4.6). */
export function snapshotLabels(manifest: SnapshotManifest): ManifestLabels {
  const labels: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [key, value] of Object.entries(manifest.tags)) labels[key] = value;
  return Object.assign(labels, sourceLabels(manifest.source), { type: "snapshot" });
}

/** Labels of snapshots and path policies of a source. */
export function sourceLabels(source: Source): ManifestLabels {
  return { hostname: source.host, username: source.userName, path: source.path };
}

/** The manifest as JSON for output, ID included, keys in Kopia's order; `stats` can be left out (spec 2 §9.2). */
export function snapshotToJson(
  manifest: SnapshotManifest,
  options: { readonly withStats?: boolean } = {},
): JsonOutput {
  const { source, rootEntry, tags, pins } = manifest;
  const tagEntries = Object.entries(tags);
  return {
    id: manifest.id,
    source: { host: source.host, userName: source.userName, path: source.path },
    description: manifest.description,
    startTime: timeToJson(manifest.startTime),
    endTime: timeToJson(manifest.endTime),
    stats: options.withStats === false ? undefined : statsToJson(manifest.stats),
    incomplete: manifest.incompleteReason || undefined,
    rootEntry: rootEntry === undefined ? null : entryToJson(rootEntry),
    tags: tagEntries.length === 0 ? undefined : new Map(tagEntries),
    pins: pins.length === 0 ? undefined : pins,
  };
}

/** Statistics as JSON (spec 2 §5.2). */
export function statsToJson(stats: SnapshotStats): JsonOutput {
  return {
    totalSize: stats.totalFileSizeBytes,
    excludedTotalSize: stats.excludedTotalFileSizeBytes,
    fileCount: stats.fileCount,
    cachedFiles: stats.cachedFileCount,
    nonCachedFiles: stats.nonCachedFileCount,
    dirCount: stats.directoryCount,
    excludedFileCount: stats.excludedFileCount,
    excludedDirCount: stats.excludedDirectoryCount,
    ignoredErrorCount: stats.ignoredErrorCount,
    errorCount: stats.errorCount,
  };
}

function manifestFromJson(
  json: JsonObject,
  { id, where }: { readonly id: ManifestId; readonly where: string },
): SnapshotManifest {
  const text = (name: string): string =>
    asString(field(json, name) ?? "", `${where}: ${name}`).toWellFormed();
  const time = (name: string): bigint => {
    const value = field(json, name);
    return value === undefined ? 0n : timeFromJson(value, `${where}: ${name}`);
  };
  const root = field(json, "rootEntry");
  const place = `${where}: rootEntry`;
  return {
    id,
    source: sourceFromJson(json, where),
    description: text("description"),
    startTime: time("startTime"),
    endTime: time("endTime"),
    stats: statsFromJson(json, where),
    incompleteReason: text("incomplete"),
    ...(root === undefined ? {} : { rootEntry: entryFromJson(asObject(root, place), place) }),
    tags: tagsFromJson(json, where),
    pins: asArray(field(json, "pins") ?? [], `${where}: pins`).map((pin, index) =>
      asString(pin, `${where}: pins[${index}]`),
    ),
  };
}

function sourceFromJson(json: JsonObject, where: string): Source {
  const source = asObject(field(json, "source") ?? {}, `${where}: source`);
  const part = (name: string): string =>
    asString(field(source, name) ?? "", `${where}: source.${name}`).toWellFormed();
  return { userName: part("userName"), host: part("host"), path: part("path") };
}

function statsFromJson(json: JsonObject, where: string): SnapshotStats {
  const stats = asObject(field(json, "stats") ?? {}, `${where}: stats`);
  const count = (name: string): number =>
    asInteger(field(stats, name) ?? 0, `${where}: stats.${name}`);
  const bytes = (name: string): bigint =>
    asBigInteger(field(stats, name) ?? 0, `${where}: stats.${name}`);
  return {
    totalFileSizeBytes: bytes("totalSize"),
    excludedTotalFileSizeBytes: bytes("excludedTotalSize"),
    fileCount: count("fileCount"),
    cachedFileCount: count("cachedFiles"),
    nonCachedFileCount: count("nonCachedFiles"),
    directoryCount: count("dirCount"),
    excludedFileCount: count("excludedFileCount"),
    excludedDirectoryCount: count("excludedDirCount"),
    ignoredErrorCount: count("ignoredErrorCount"),
    errorCount: count("errorCount"),
  };
}

/** Tag keys are people's: they go into an object without prototype. */
function tagsFromJson(json: JsonObject, where: string): Readonly<Record<string, string>> {
  const tags: Record<string, string> = Object.create(null) as Record<string, string>;
  const stored = asObject(field(json, "tags") ?? {}, `${where}: tags`);
  for (const [key, value] of entriesOf(stored))
    tags[key] = asString(value, `${where}: tags.${key}`);
  return tags;
}
