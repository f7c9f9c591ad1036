import { KopiaError, isKopiaError } from "@kopia-engine/kopia-format";
import { cleanPath } from "../model/clean-path.ts";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { listSnapshots } from "../model/snapshot-store.ts";
import { formatSource, parseSource, type Source, type SourceContext } from "../model/source.ts";
import {
  type ObjectPathRepository,
  type ResolvedObject,
  descend,
  resolveObjectPath,
} from "./object-path.ts";
import { snapshotTimeLimit } from "./snapshot-time.ts";

/** Options of `resolveRestoreSource`. */
export interface ResolveRestoreSourceOptions {
  /** Whose snapshots a bare local path means, and where relative paths start. */
  readonly context: SourceContext;
  /** `latest` (default), `oldest`, or a time expression (spec 2 §10.1). */
  readonly snapshotTime?: string;
  readonly consistentAttributes?: boolean;
  /** Now, for expressions such as `yesterday`: milliseconds since the epoch. */
  readonly nowMs: number;
}

/**
 * Resolves the SOURCE argument of `restore`: an object path, or a local path or `user@host:path`
 * that some complete snapshot contains (spec 2 §10.1). As in Kopia a path is restored by its bare
 * object ID: root attributes are known only when the object is a snapshot's root.
 * @throws KopiaError `SNAPSHOT_NOT_FOUND`, `ARGUMENT_INVALID` (time), and those of `resolveObjectPath`.
 */
export async function resolveRestoreSource(
  repository: ObjectPathRepository,
  text: string,
  options: ResolveRestoreSourceOptions,
): Promise<ResolvedObject> {
  const { consistentAttributes = false } = options;
  if (startsWithId(text))
    return await resolveObjectPath(repository, text, { consistentAttributes });
  const source = parseSource(text, options.context);
  if (source.path === "") {
    throw new KopiaError("SOURCE_INVALID", `${text} names no path`, { details: { source: text } });
  }
  const { objectId, foundIn } = await findObject(repository, source, options);
  return {
    ...(await resolveObjectPath(repository, objectId, { consistentAttributes })),
    foundIn,
  };
}

/** Hex digits with at most a prefix letter: such a first component is always taken as an ID (spec 3 §6.7). */
function startsWithId(text: string): boolean {
  const [first = ""] = text.split("/");
  return /^I*Z?D?[g-z]?(?:[0-9a-fA-F]{2})+$/.test(first);
}

async function findObject(
  repository: ObjectPathRepository,
  source: Source,
  options: ResolveRestoreSourceOptions,
): Promise<Pick<Required<ResolvedObject>, "foundIn"> & { readonly objectId: string }> {
  const snapshotTime = options.snapshotTime ?? "latest";
  const limit = snapshotTimeLimit(snapshotTime, options.nowMs);
  const { userName, host } = source;
  const filter = { source: { userName, host } };
  const candidates = (await listSnapshots(repository.manifests, filter))
    .filter((snapshot) => snapshot.incompleteReason === "")
    .filter((snapshot) => limit === undefined || snapshot.startTime < limit)
    .toReversed();
  if (snapshotTime === "oldest") candidates.reverse();
  for (const snapshot of candidates) {
    const objectId = await objectInside(repository, snapshot, source.path);
    if (objectId === undefined) continue;
    const path = relativeComponents(snapshot.source.path, source.path) ?? [];
    return { objectId, foundIn: { snapshot, path } };
  }
  throw new KopiaError("SNAPSHOT_NOT_FOUND", `no snapshots contain data for ${source.path}`, {
    details: { source: formatSource(source), snapshotTime },
  });
}

/** Object of a path in a snapshot of it or of a directory above; `undefined` when it is not there. */
async function objectInside(
  repository: ObjectPathRepository,
  snapshot: SnapshotManifest,
  wantedPath: string,
): Promise<string | undefined> {
  const { rootEntry } = snapshot;
  const path = relativeComponents(snapshot.source.path, wantedPath);
  if (rootEntry === undefined || path === undefined) return undefined;
  try {
    return (await descend(repository.objects, rootEntry, path)).objectId;
  } catch (error) {
    if (isKopiaError(error, "OBJECT_NOT_FOUND")) return undefined;
    throw error;
  }
}

function relativeComponents(root: string, path: string): string[] | undefined {
  const cleanRoot = cleanPath(root);
  const clean = cleanPath(path);
  if (clean === cleanRoot) return [];
  const prefix = cleanRoot === "/" ? "/" : `${cleanRoot}/`;
  return clean.startsWith(prefix) ? clean.slice(prefix.length).split("/") : undefined;
}
