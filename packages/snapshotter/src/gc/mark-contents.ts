import { KopiaError, type Repository } from "@kopia-engine/kopia-format";
import { readDirectory } from "../fs/read-directory.ts";
import { listSnapshots } from "../model/snapshot-store.ts";
import { ObjectIdSet } from "../verify/object-id-set.ts";

const DIRECT_OBJECT_ID = /^[g-z]?[0-9a-f]+$/;

/** What all snapshots need. */
export interface MarkedContents {
  readonly contentIds: ObjectIdSet;
  readonly snapshotCount: number;
}

/**
 * Collects the contents of all snapshots, incomplete ones included (spec 3 §2.1). The first thing that
 * cannot be read ends it: what cannot be followed must not be taken for unused.
 * @throws KopiaError of the manifest, directory or content that cannot be read.
 */
export async function markContents(
  repository: Pick<Repository, "manifests" | "objects" | "contents">,
): Promise<MarkedContents> {
  const { manifests, objects, contents } = repository;
  const snapshots = await listSnapshots(manifests, {}, (_id, error) => {
    throw error;
  });
  const contentIds = new ObjectIdSet();
  const seen = new ObjectIdSet();
  const directories: string[] = [];
  const visit = async (objectId: string, isDirectory: boolean): Promise<void> => {
    // The same object may be a file here and a directory there: the latter is walked even so.
    if (!seen.add(isDirectory ? `directory ${objectId}` : objectId)) return;
    if (isDirectory) directories.push(objectId);
    if (!DIRECT_OBJECT_ID.test(objectId)) {
      for (const id of await objects.verifyObject(objectId)) contentIds.add(id);
      return;
    }
    if (contents.getContentInfo(objectId) === undefined) {
      throw new KopiaError(
        "CONTENT_NOT_FOUND",
        `a snapshot needs content ${objectId}, which is not in the index; nothing was collected`,
        { details: { contentId: objectId } },
      );
    }
    contentIds.add(objectId);
  };
  for (const { rootEntry } of snapshots) {
    if (rootEntry === undefined) continue;
    await visit(rootEntry.objectId, rootEntry.type === "d");
    for (
      let directory = directories.pop();
      directory !== undefined;
      directory = directories.pop()
    ) {
      const { entries } = await readDirectory(objects, directory);
      for (const { objectId, type } of entries) {
        if (objectId !== "") await visit(objectId, type === "d");
      }
    }
  }
  return { contentIds, snapshotCount: snapshots.length };
}
