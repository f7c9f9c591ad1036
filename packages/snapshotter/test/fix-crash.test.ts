import {
  KopiaError,
  MemoryStorage,
  collectAsync,
  verifyContents,
  type BlobStorage,
  type Repository,
} from "@kopia-engine/kopia-format";
import { FaultyStorage } from "@kopia-engine/kopia-format/testing";
import { beforeAll, describe, expect, test } from "vitest";
import {
  ObjectChecker,
  executeBlobCollection,
  executeContentRewrite,
  fixSnapshots,
  invalidFilesRules,
  listSnapshots,
  planBlobCollection,
  planContentRewrite,
  recoverIndex,
  verifySnapshots,
} from "../src/index.ts";
import { memoryRepository } from "./memory-repository.ts";
import { writeMemorySnapshot } from "./memory-snapshot.ts";

/** A repository with two snapshots of one source; the first one's data lies in a pack of its own. */
interface World {
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  /** Pack with file data of the first snapshot only. */
  readonly firstPack: string;
}

let world: World;

beforeAll(async () => {
  const { repository, storage } = await memoryRepository();
  await using opened = repository;
  await writeMemorySnapshot(opened, { a: "first", shared: "shared" }, 1n);
  const before = await packsOf(storage, "p");
  await writeMemorySnapshot(opened, { b: "second", shared: "shared" }, 2n);
  world = { blobs: await blobsOf(storage), firstPack: String(before[0]) };
});

interface Work {
  /** What is wrong before. */
  readonly damage?: (storage: BlobStorage) => Promise<void>;
  readonly run: (repository: Repository) => Promise<void>;
  /** Files that cannot be read after it was done. */
  readonly brokenAfter: number;
  readonly after?: (storage: BlobStorage) => Promise<void>;
}

const WORKS: Readonly<Record<string, Work>> = {
  "snapshot fix invalid-files": {
    damage: (storage) => storage.delete(world.firstPack),
    run: (repository) => fixInvalidFiles(repository),
    brokenAfter: 0,
  },
  "index recover": {
    damage: async (storage) => {
      for (const { id } of await collectAsync(storage.list("xn"))) await storage.delete(id);
    },
    run: async (repository) => {
      await recoverIndex({ repository, commit: true });
    },
    brokenAfter: 0,
  },
  "content rewrite": {
    run: async (repository) => {
      const plan = planContentRewrite(repository, {
        contentIds: [...repository.contents.contents()].map(({ contentId }) => contentId),
        safety: "none",
      });
      await executeContentRewrite(repository, plan);
    },
    brokenAfter: 0,
  },
  "blob gc": {
    damage: async (storage) => {
      // Packs that nothing needs.
      for (const name of ["p", "q"]) {
        await storage.put(`${name}${"0".repeat(32)}-s0123456789abcdef147`, new Uint8Array(10));
      }
    },
    run: async (repository) => {
      await executeBlobCollection(
        repository,
        await planBlobCollection(repository, { safety: "none" }),
      );
    },
    brokenAfter: 0,
    after: async (storage) => {
      expect(await collectAsync(storage.list("p000000"))).toEqual([]);
    },
  },
};

describe.each(Object.entries(WORKS))("%s", (_, work) => {
  test("killed at any storage operation, it loses nothing and is completed by doing it again", async () => {
    const undisturbed = await storageOf(world);
    await work.damage?.(undisturbed);
    const healthyBefore = await filesOf(undisturbed);
    await runOn(undisturbed, work);
    const expected = await filesOf(undisturbed);
    expect(await brokenFiles(undisturbed)).toBe(work.brokenAfter);
    let kills = 0;
    for (const kind of ["kill", "killAfter"] as const) {
      for (let nth = 1; ; nth++) {
        const storage = await storageOf(world);
        await work.damage?.(storage);
        const faulty = new FaultyStorage(storage, [{ kind, nth }]);
        await runOn(faulty, work).catch(mustBeKilled);
        if (!faulty.killed) break;
        kills++;
        // What could be read before can be read still, or was completed.
        const files = await filesOf(storage);
        expect([healthyBefore, expected], `${kind} ${nth}`).toContainEqual(files);
        await runOn(storage, work);
        expect(await filesOf(storage), `${kind} ${nth}, again`).toEqual(expected);
        expect(await brokenFiles(storage)).toBe(work.brokenAfter);
        await work.after?.(storage);
      }
    }
    expect(kills).toBeGreaterThan(4);
  });
});

test("a dry run counts what is missing and writes nothing", async () => {
  const storage = await storageOf(world);
  for (const { id } of await collectAsync(storage.list("xn"))) await storage.delete(id);
  const before = await blobsOf(storage);
  const { repository } = await memoryRepository({ storage });
  await using opened = repository;
  const found = await recoverIndex({ repository: opened, commit: false });
  expect(found.missingCount).toBeGreaterThan(5);
  expect(found.written).toEqual([]);
  expect(await blobsOf(storage)).toEqual(before);
});

async function fixInvalidFiles(repository: Repository): Promise<void> {
  await using session = await repository.writeSession();
  const { contents, storage } = repository;
  const { objects } = session;
  await fixSnapshots({
    session,
    snapshots: await listSnapshots(session.manifests),
    rules: invalidFilesRules({
      checker: await ObjectChecker.create({ objects, contents, storage }),
      objects,
      invalidFiles: "stub",
      invalidDirectories: "stub",
      verifyFilesPercent: 0,
      random: repository.random,
      onInvalid: () => undefined,
    }),
    commit: true,
  });
  await session.flush();
}

async function runOn(storage: BlobStorage, work: Work): Promise<void> {
  const { repository } = await memoryRepository({ storage });
  try {
    await work.run(repository);
  } finally {
    await repository.close().catch(() => undefined);
  }
}

function mustBeKilled(error: unknown): void {
  if (!(error instanceof KopiaError)) throw error;
}

/** For each snapshot by time, its root and whether all of it can be read. */
async function filesOf(storage: BlobStorage): Promise<readonly unknown[]> {
  const { repository } = await memoryRepository({ storage });
  await using opened = repository;
  const rows: unknown[] = [];
  for (const { startTime, rootEntry } of await listSnapshots(opened.manifests)) {
    if (rootEntry === undefined) continue;
    const { errors } = await verifySnapshots({
      repository: opened,
      roots: [{ path: "", entry: rootEntry }],
      verifyFilesPercent: 100,
      maxErrors: -1,
    });
    rows.push([startTime, rootEntry.objectId, errors.map(({ path }) => path)]);
  }
  return rows;
}

async function brokenFiles(storage: BlobStorage): Promise<number> {
  const { repository } = await memoryRepository({ storage });
  await using opened = repository;
  let count = 0;
  for (const row of await filesOf(storage)) count += (row as [bigint, string, string[]])[2].length;
  const { contents, random } = opened;
  // Of contents, only those of packs that are gone may be unreadable.
  const { unreadableContents } = await verifyContents(contents, storage, {
    random,
    readPercent: 100,
  });
  return count + unreadableContents;
}

async function packsOf(storage: BlobStorage, prefix: string): Promise<readonly string[]> {
  return (await collectAsync(storage.list(prefix))).map(({ id }) => id);
}

async function blobsOf(storage: BlobStorage): Promise<Map<string, Uint8Array>> {
  const blobs = new Map<string, Uint8Array>();
  for (const { id } of await collectAsync(storage.list(""))) blobs.set(id, await storage.get(id));
  return blobs;
}

async function storageOf({ blobs }: World): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  for (const [id, data] of blobs) await storage.put(id, data);
  return storage;
}
