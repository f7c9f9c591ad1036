import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  openFilesystemRepository,
  setTimesNs,
  type Repository,
  type WriteSession,
} from "@kopia-engine/kopia-format";
import { fixtureNames, loadFixture } from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import { resolveObjectPath } from "../fs/object-path.ts";
import { readDirectory } from "../fs/read-directory.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { listSnapshots } from "../model/snapshot-store.ts";
import { loadPolicyTree } from "../policy/policy-store.ts";
import { createLocalOutput } from "../restore/local-output.ts";
import { restoreTree } from "../restore/restore-tree.ts";
import { uploadSnapshot } from "./upload-snapshot.ts";

const isRoot = process.getuid?.() === 0;
/** Older versions summed links and listed sockets differently (spec 2 "Additions"). */
const names = fixtureNames(
  /^fs-v(0223|023\d)-(default|gc|epochs|multi-source|policies|format2|parallel-upload|metadata.*|compressors)$/,
);

describe.skipIf(!isRoot).each(names)("%s (needs root for owners)", (name) => {
  test("a restored tree gives the same objects again", async () => {
    const fixture = loadFixture(name);
    using unpacked = fixture.unpack();
    await using repository = await openFilesystemRepository({
      path: unpacked.path,
      password: fixture.password,
    });
    await using session = await repository.writeSession();
    let compared = 0;
    for (const snapshot of await listSnapshots(repository.manifests)) {
      const root = snapshot.rootEntry;
      if (root === undefined || root.type !== "d" || snapshot.incompleteReason !== "") continue;
      if (await hasOddNames(repository, root.objectId)) continue;
      expect(await uploadAgain(session, snapshot.source, root), snapshot.id).toEqual({
        objectId: root.objectId,
        summary: root.summary,
        newContents: [],
      });
      compared++;
    }
    expect(compared).toBeGreaterThan(0);
  });
});

/** Restores a tree exactly as it was listed and stores it again. */
async function uploadAgain(
  session: WriteSession,
  source: { userName: string; host: string; path: string },
  root: DirectoryEntry,
): Promise<unknown> {
  const { repository } = session;
  const directory = mkdtempSync(join(tmpdir(), "again-"));
  try {
    const targetPath = join(directory, "target");
    await restoreTree({ repository, entry: root, output: createLocalOutput({ targetPath }) });
    await applyListedTimes(repository, targetPath, root);
    const before = new Set([...session.contents.contents()].map(({ contentId }) => contentId));
    const policyTree = await loadPolicyTree(repository.manifests, source);
    const { rootEntry } = await uploadSnapshot({
      session,
      source,
      localPath: targetPath,
      policyTree,
    });
    const newContents = [...session.contents.contents()]
      .map(({ contentId }) => contentId)
      .filter((contentId) => !before.has(contentId));
    return { objectId: rootEntry?.objectId, summary: rootEntry?.summary, newContents };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Restored directories have the newest time of their summary (spec 2 §10.2): sets the listed ones, leaves first. */
async function applyListedTimes(
  repository: Repository,
  path: string,
  directory: DirectoryEntry,
): Promise<void> {
  const { entries } = await readDirectory(repository.objects, directory.objectId);
  for (const entry of entries) {
    if (entry.type === "d") await applyListedTimes(repository, join(path, entry.name), entry);
  }
  setTimesNs(path, { atime: directory.modTime, mtime: directory.modTime });
}

/** A name that is not UTF-8 comes back as another name, so its directory cannot be the same again. */
async function hasOddNames(repository: Repository, objectId: string): Promise<boolean> {
  const { entries } = await readDirectory(repository.objects, objectId);
  for (const entry of entries) {
    if (entry.name.includes("\ufffd")) return true;
    if (entry.type === "d" && (await hasOddNames(repository, entry.objectId))) return true;
  }
  return false;
}

test("object paths lead to the entries that were compared", async () => {
  const fixture = loadFixture("fs-v0231-default");
  using unpacked = fixture.unpack();
  await using repository = await openFilesystemRepository({
    path: unpacked.path,
    password: fixture.password,
    client: { readOnly: true },
  });
  const [snapshot] = await listSnapshots(repository.manifests);
  const { entry } = await resolveObjectPath(repository, snapshot?.id ?? "");
  expect(entry).toEqual(snapshot?.rootEntry);
});
