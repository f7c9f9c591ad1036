import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createFilesystemRepository,
  openFilesystemRepository,
  type ContentMarks,
  type Repository,
} from "@kopia-engine/kopia-format";
import { listSnapshots } from "../model/snapshot-store.ts";
import { createSnapshot } from "../upload/create-snapshot.ts";
import { tempDirectory } from "../../test/temp-directory.ts";
import { markContents, markRemoved } from "./mark-contents.ts";

const PASSWORD = "mark-contents";
const { path: place, [Symbol.dispose]: removePlace } = tempDirectory();

/** Directories in directories, one that is alike in two places, a large file, a link, odd names. */
function writeTree(root: string): void {
  for (let i = 0; i < 40; i++) {
    const directory = join(root, `d${i % 7}`, `e"${i}`, "f\\ü");
    mkdirSync(directory, { recursive: true });
    for (let j = 0; j < 5; j++) writeFileSync(join(directory, `file ${j}`), `${i} ${j}`);
  }
  for (const name of ["one", "two"]) {
    mkdirSync(join(root, name, "same"), { recursive: true });
    writeFileSync(join(root, name, "same", "file"), "the same");
  }
  symlinkSync("nowhere", join(root, "link"));
  const large = Buffer.alloc(24 * 2 ** 20);
  for (let i = 0; i < large.length; i += 4) large.writeInt32LE(Math.imul(i, 2_654_435_761 | 0), i);
  writeFileSync(join(root, "d1", "large"), large);
}

beforeAll(async () => {
  writeTree(join(place, "source"));
  const path = join(place, "repository");
  await (await createFilesystemRepository({ path, password: PASSWORD })).close();
  await using repository = await openFilesystemRepository({ path, password: PASSWORD });
  await using session = await repository.writeSession();
  const source = { userName: "me", host: "here", path: join(place, "source") };
  await createSnapshot(session, { source });
  await session.flush();
});
afterAll(removePlace);

async function withRepository<T>(run: (repository: Repository) => Promise<T>): Promise<T> {
  const path = join(place, "repository");
  await using repository = await openFilesystemRepository({ path, password: PASSWORD });
  return await run(repository);
}

/** The same repository without what listings are read together with. */
function readOneByOne({ manifests, objects, contents }: Repository) {
  return { manifests, objects, contents };
}

function markedIds(repository: Repository, marks: ContentMarks): string[] {
  const ids: string[] = [];
  repository.contents.visitContents((reader, position) => {
    if (marks.hasEntry(reader, position)) ids.push(reader.contentIdAt(position));
  });
  return ids;
}

test("read together or one by one, the same contents are needed: all but the manifests", async () => {
  await withRepository(async (repository) => {
    const together = markedIds(repository, (await markContents(repository)).contents);
    const single = await markContents(readOneByOne(repository));
    expect(together).toEqual(markedIds(repository, single.contents));
    const all = [...repository.contents.contents()].map(({ contentId }) => contentId);
    const needed = all.filter((id) => !id.startsWith("m"));
    expect(together.toSorted()).toEqual(needed.toSorted());
    expect(needed.length).toBeGreaterThan(250);
  });
});

test("a listing whose bytes are damaged ends the collection, and is passed over for what was removed", async () => {
  const packs = readdirSync(join(place, "repository"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.includes("/") && name.startsWith("q"))
    .map((name) => join(place, "repository", name))
    .filter((path) => path.endsWith(".f"));
  const before = packs.map((path) => readFileSync(path));
  for (const path of packs) {
    const bytes = readFileSync(path);
    // The first of its contents; what describes the pack stands at its end.
    for (let i = 40; i < 200; i++) bytes[i] = (bytes[i] as number) ^ 1;
    writeFileSync(path, bytes);
  }
  try {
    await withRepository(async (repository) => {
      const failures = await Promise.all(
        [repository, readOneByOne(repository)].map((marked) =>
          markContents(marked).then(
            () => "nothing",
            (error: { code: string }) => error.code,
          ),
        ),
      );
      expect(failures[0]).not.toBe("nothing");
      expect(failures[0]).toBe(failures[1]);
    });
  } finally {
    for (const [i, path] of packs.entries()) writeFileSync(path, before[i] as Buffer);
  }
});

test("what is missing is passed over for snapshots that were removed", async () => {
  await withRepository(async (repository) => {
    const [snapshot] = await listSnapshots(repository.manifests);
    if (snapshot?.rootEntry === undefined) throw new Error("there is a snapshot");
    const rootEntry = { ...snapshot.rootEntry, objectId: `k${"0".repeat(32)}` };
    const marks = await markRemoved(repository, [snapshot, { ...snapshot, rootEntry }]);
    expect(marks.size).toBe((await markContents(repository)).contents.size);
    await expect(
      markRemoved(readOneByOne(repository), [snapshot]).then(({ size }) => size),
    ).resolves.toBe(marks.size);
  });
});
