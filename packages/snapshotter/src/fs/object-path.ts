import {
  KopiaError,
  formatObjectId,
  isDirectoryObjectId,
  isKopiaError,
  parseObjectId,
  type ManifestReader,
  type ObjectStore,
} from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { findSnapshotsById } from "../model/snapshot-store.ts";
import { readDirectory, readDirectoryForRestore } from "./read-directory.ts";

/** The part of a repository that object paths need; a `Repository` fits. */
export interface ObjectPathRepository {
  readonly objects: ObjectStore;
  readonly manifests: ManifestReader;
}

/** What an object path names. */
export interface ResolvedObject {
  /** Entry with object ID and attributes; sub-directories as `readDirectoryForRestore` shows them (spec 2 §10.2). */
  readonly entry: DirectoryEntry;
  /** The snapshot that gave the root's attributes, where one is known. */
  readonly snapshot?: SnapshotManifest;
  /** Components inside the root; empty for the root itself. */
  readonly path: readonly string[];
  /** Where a source path was found (`resolveRestoreSource`): the snapshot and the components inside it. */
  readonly foundIn?: { readonly snapshot: SnapshotManifest; readonly path: readonly string[] };
}

/** Options of `resolveObjectPath`. */
export interface ResolveObjectPathOptions {
  /** Reject when several snapshots with this root disagree about its attributes. Default false: the latest wins. */
  readonly consistentAttributes?: boolean;
}

const BARE_DIRECTORY_MODE = 0o555;
const BARE_FILE_MODE = 0o644;

/**
 * Resolves `<id>[/path/inside]` where the ID is a snapshot manifest ID, else a root object of some
 * snapshot, else a bare object ID (spec 2 §9.1).
 * @throws KopiaError `OBJECT_ID_INVALID`, `OBJECT_NOT_FOUND` (no such entry), `SNAPSHOT_INVALID`
 * (inconsistent attributes, snapshot without root), `DIRECTORY_CORRUPT`.
 */
export async function resolveObjectPath(
  repository: ObjectPathRepository,
  text: string,
  options: ResolveObjectPathOptions = {},
): Promise<ResolvedObject> {
  const [id = "", ...rest] = text.split("/");
  const path = rest.filter((component) => component !== "");
  const root = await resolveRoot(repository, id, options);
  return { ...root, entry: await descend(repository.objects, root.entry, path), path };
}

/**
 * The entry at a path below a directory.
 * @throws KopiaError `OBJECT_NOT_FOUND` naming the component that is missing, and those of `readDirectory`.
 */
export async function descend(
  objects: ObjectStore,
  root: DirectoryEntry,
  path: readonly string[],
): Promise<DirectoryEntry> {
  let entry = root;
  for (const [depth, name] of path.entries()) {
    const found =
      entry.type === "d"
        ? (await readDirectoryForRestore(objects, entry.objectId)).entries.find(
            (child) => child.name === name,
          )
        : undefined;
    if (found === undefined) {
      const missing = path.slice(0, depth + 1).join("/");
      throw new KopiaError("OBJECT_NOT_FOUND", `entry not found: ${missing}`, {
        details: { path: missing, objectId: root.objectId, parentType: entry.type },
      });
    }
    entry = found;
  }
  return entry;
}

async function resolveRoot(
  repository: ObjectPathRepository,
  id: string,
  options: ResolveObjectPathOptions,
): Promise<Omit<ResolvedObject, "path">> {
  const snapshots = id === "" ? [] : await findSnapshotsById(repository.manifests, id);
  const [first] = snapshots;
  if (first === undefined) return { entry: await bareEntry(repository.objects, id) };
  if (options.consistentAttributes === true) checkAttributesAgree(id, snapshots);
  let latest = first;
  for (const snapshot of snapshots) if (snapshot.startTime > latest.startTime) latest = snapshot;
  if (latest.rootEntry === undefined) {
    throw new KopiaError("SNAPSHOT_INVALID", `snapshot ${latest.id} has no root`, {
      details: { snapshotId: latest.id },
    });
  }
  return { entry: latest.rootEntry, snapshot: latest };
}

function checkAttributesAgree(id: string, snapshots: readonly SnapshotManifest[]): void {
  const attributes = new Set(
    snapshots.map(({ rootEntry: root }) =>
      root === undefined ? "" : [root.mode, root.modTime, root.uid, root.gid, root.type].join(),
    ),
  );
  if (attributes.size <= 1) return;
  throw new KopiaError(
    "SNAPSHOT_INVALID",
    `object ${id} is the root of ${snapshots.length} snapshots whose root attributes differ`,
    { details: { objectId: id, snapshotCount: snapshots.length } },
  );
}

/** An object of which only the ID is known; a directory when it can be read as one. */
async function bareEntry(objects: ObjectStore, text: string): Promise<DirectoryEntry> {
  const objectId = formatObjectId(parseObjectId(text));
  const attributes = { modTime: 0n, uid: 0, gid: 0, objectId };
  if (isDirectoryObjectId(objectId) && (await isReadableDirectory(objects, objectId))) {
    return { ...attributes, name: objectId, type: "d", mode: BARE_DIRECTORY_MODE, sizeBytes: 0n };
  }
  const { lengthBytes } = await objects.openObject(objectId);
  const sizeBytes = BigInt(lengthBytes);
  return { ...attributes, name: "file", type: "f", mode: BARE_FILE_MODE, sizeBytes };
}

async function isReadableDirectory(objects: ObjectStore, objectId: string): Promise<boolean> {
  try {
    await readDirectory(objects, objectId);
    return true;
  } catch (error) {
    if (isKopiaError(error, "DIRECTORY_CORRUPT")) return false;
    throw error;
  }
}
