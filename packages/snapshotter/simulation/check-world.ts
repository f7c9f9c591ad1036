import { bytesEqual, isKopiaError, type Repository } from "@kopia-engine/kopia-format";
import {
  GLOBAL_TARGET,
  getDefinedPolicy,
  listSnapshots,
  readDirectory,
  type SnapshotManifest,
} from "../src/index.ts";
import type { SeededChoices } from "./seeded-choices.ts";
import type { Attempt, TreeModel } from "./snapshot-ledger.ts";
import { contentBytes } from "./source-tree.ts";
import { MAX_LIST_LAG_NS } from "./world-plan.ts";
import { WorldFailure, type World } from "./world.ts";

/**
 * The property holds, perhaps after half-written blobs were removed: see `checkOnce`.
 * @throws WorldFailure
 */
export async function checkSnapshots(world: World, choices: SeededChoices): Promise<void> {
  for (;;) {
    try {
      await checkOnce(world, await world.observe(choices));
      return;
    } catch (error) {
      if (repairTorn(world, error instanceof WorldFailure ? error.cause : error)) continue;
      if (error instanceof WorldFailure) throw error;
      throw new WorldFailure(`the repository does not open: ${String(error)}`, { cause: error });
    }
  }
}

/**
 * The property: every snapshot that was promised is there, and every complete snapshot that is there
 * restores, byte for byte; incomplete ones can at least be walked.
 * @throws WorldFailure naming the first snapshot that does not.
 */
async function checkOnce(world: World, repository: Repository): Promise<void> {
  const found = new Set<string>();
  let snapshots: SnapshotManifest[];
  try {
    snapshots = await listSnapshots(repository.manifests);
    if ((await getDefinedPolicy(repository.manifests, GLOBAL_TARGET)) === undefined) {
      throw new WorldFailure("the global policy is lost");
    }
  } catch (error) {
    if (error instanceof WorldFailure) throw error;
    throw new WorldFailure(`the manifests cannot be read: ${String(error)}`, { cause: error });
  }
  checkEntries(world, repository);
  const readObject = remembered(repository);
  for (const snapshot of snapshots) {
    const attempt = world.ledger.find(snapshot.description);
    const isComplete = snapshot.incompleteReason === "";
    if (isComplete) found.add(snapshot.description);
    await checkSnapshot(repository, readObject, {
      name: isComplete ? snapshot.description : `incomplete ${snapshot.id}`,
      rootObjectId: snapshot.rootEntry?.objectId ?? "",
      expected: isComplete ? attempt?.tree : undefined,
    });
  }
  for (const { id } of world.ledger.promised()) {
    if (!found.has(id)) throw new WorldFailure(`snapshot ${id} is lost`);
  }
}

/** Every index entry, deleted or not, must point into a pack: writers rely on what the index says. */
function checkEntries(world: World, repository: Repository): void {
  const lengths = new Map<string, number>();
  for (const prefix of ["p", "q"]) {
    for (const { id, lengthBytes } of world.shared.list(prefix)) lengths.set(id, lengthBytes);
  }
  for (const entry of repository.contents.contents({ includeDeleted: true })) {
    const lengthBytes = lengths.get(entry.packBlobId) ?? -1;
    if (entry.packOffset + entry.packedLength <= lengthBytes) continue;
    throw new WorldFailure(
      `the index says that ${entry.contentId} (${entry.deleted ? "deleted" : "live"}) is in pack ${entry.packBlobId}, ` +
        (lengthBytes < 0 ? "which is not there" : `which has ${lengthBytes} bytes only`),
    );
  }
}

/** Whether a snapshot is as it was when it was made, read through an open repository. */
export async function checkAttempt(
  repository: Repository,
  snapshot: SnapshotManifest,
  attempt: Attempt,
): Promise<void> {
  await checkSnapshot(repository, (id) => repository.objects.readObject(id), {
    name: attempt.id,
    rootObjectId: snapshot.rootEntry?.objectId ?? "",
    expected: attempt.tree,
  });
}

/**
 * Removes a half-written blob that an error names, as a person would (spec 3 §3.7). Who lists as it was before may
 * miss that blob a few minutes longer.
 * @returns whether such a blob explains the error.
 */
export function repairTorn(world: World, error: unknown): boolean {
  if (!isKopiaError(error)) return false;
  for (const [id, time] of world.removedTorn) {
    if (world.time.now - time <= MAX_LIST_LAG_NS && error.message.includes(id)) return true;
  }
  const { torn } = world.shared;
  const named = [...torn].find((id) => error.message.includes(id));
  const blobId =
    named ??
    (error.code === "MAINTENANCE_CORRUPT" && torn.has("kopia.maintenance")
      ? "kopia.maintenance"
      : undefined);
  if (blobId === undefined) return false;
  world.tell("operator", () => `removes the half-written ${blobId}`);
  world.shared.delete("operator", blobId);
  world.removedTorn.set(blobId, world.time.now);
  return true;
}

interface ToCheck {
  readonly name: string;
  readonly rootObjectId: string;
  readonly expected: TreeModel | undefined;
}

async function checkSnapshot(
  repository: Repository,
  readObject: (id: string) => Promise<Uint8Array>,
  { name, rootObjectId, expected }: ToCheck,
): Promise<void> {
  const files = new Map<string, string>();
  try {
    await collectFiles(repository, { objectId: rootObjectId, path: "" }, files);
    for (const [path, objectId] of files) {
      const data = await readObject(objectId);
      const content = expected?.get(path);
      if (content !== undefined && !bytesEqual(data, contentBytes(content))) {
        throw new WorldFailure(`snapshot ${name}: ${path} has other bytes`);
      }
    }
  } catch (error) {
    if (error instanceof WorldFailure) throw error;
    throw new WorldFailure(`snapshot ${name} does not restore: ${String(error)}`, { cause: error });
  }
  if (expected === undefined) return;
  const missing = [...expected.keys()].filter((path) => !files.has(path));
  if (missing.length > 0 || files.size !== expected.size) {
    throw new WorldFailure(`snapshot ${name} has other files; missing: ${missing.join(", ")}`);
  }
}

async function collectFiles(
  repository: Repository,
  directory: { readonly objectId: string; readonly path: string },
  files: Map<string, string>,
): Promise<void> {
  const { entries } = await readDirectory(repository.objects, directory.objectId);
  for (const { name, type, objectId } of entries) {
    const path = directory.path === "" ? name : `${directory.path}/${name}`;
    if (type === "d") await collectFiles(repository, { objectId, path }, files);
    else files.set(path, objectId);
  }
}

/** Reads each object once. */
function remembered(repository: Repository): (id: string) => Promise<Uint8Array> {
  const known = new Map<string, Promise<Uint8Array>>();
  return (id) => {
    const data = known.get(id) ?? repository.objects.readObject(id);
    known.set(id, data);
    return data;
  };
}
