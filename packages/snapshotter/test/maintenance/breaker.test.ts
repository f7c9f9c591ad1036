import { writeFileSync } from "node:fs";
import type { Repository } from "@kopia-engine/kopia-format";
import { seededBytes } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import {
  DEFAULT_BREAKER,
  listSnapshots,
  parseBreaker,
  type BreakerSetting,
} from "../../src/index.ts";
import { memoryRepository } from "../memory-repository.ts";
import { tempDirectory } from "../temp-directory.ts";
import { writeTree } from "../write-tree.ts";
import {
  HOUR,
  SECOND,
  blobIds,
  crashedUpload,
  emptyWorld,
  full,
  lastStats,
  remove,
  snapshot,
  verifyAll,
  type World,
} from "./maintenance-world.ts";

/** No floor, so that small repositories show what large ones do. */
const STRICT = { ...DEFAULT_BREAKER, minBytes: 0 };
const REFUSED = { code: "MAINTENANCE_REFUSED" };

/** Snapshots of one file each, of which every one replaces all data. */
async function snapshots(
  made: World,
  path: string,
  options: {
    readonly count: number;
    readonly fileBytes?: number;
    readonly firstSeed?: number;
    readonly isOwnSource?: boolean;
  },
): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < options.count; i++) {
    const seed = (options.firstSeed ?? 1) + i;
    writeFileSync(`${path}/file`, seededBytes(seed, options.fileBytes ?? 2000));
    made.clock.advance(60n * SECOND);
    // Retention keeps ten of each source.
    const target = options.isOwnSource === true ? writeTree(`${path}/${i}`, { own: `${i}` }) : path;
    ids.push(await snapshot(made.repository, target));
  }
  return ids;
}

/** Takes the manifest contents of snapshots away without a tombstone, as a lost pack or index would. */
async function loseManifests(repository: Repository, ids: readonly string[]): Promise<void> {
  const live = new Map<string, string>();
  for (const { contentId } of repository.contents.contents({ range: { start: "m", end: "n" } })) {
    const { gunzipSync } = await import("node:zlib");
    live.set(contentId, gunzipSync(await repository.contents.getContent(contentId)).toString());
  }
  await using session = await repository.writeSession();
  for (const [contentId, text] of live) {
    if (ids.some((id) => text.includes(id))) session.contents.deleteContent(contentId);
  }
  await session.flush();
  await repository.refresh();
}

async function later(made: World): Promise<Repository> {
  made.clock.advance(25n * HOUR);
  // A client that starts now: it knows nothing of what was there before.
  return (await memoryRepository({ storage: made.storage, clock: made.clock })).repository;
}

test("retention never trips it: all but the newest of 30 snapshots removed at once", async () => {
  using directory = tempDirectory();
  const path = writeTree(directory.join("s"), {});
  const made = await emptyWorld();
  const ids = await snapshots(made, path, { count: 30 });
  made.clock.advance(25n * HOUR);
  await full(made.repository, { breaker: STRICT });
  await remove(made.repository, ...ids.slice(0, -1));
  const repository = await later(made);
  await full(repository, { breaker: STRICT });
  const stats = await lastStats(repository, "snapshot-gc");
  expect(Number(stats["deletedContentSize"])).toBeGreaterThan(
    Number(stats["inUseContentSize"]) * 10,
  );
  expect(await verifyAll(repository)).toBe(1);
});

test.each([1, 5, 17])(
  "retention with %i removals a day and daily maintenance never trips it, to the last byte freed",
  async (perDay) => {
    using directory = tempDirectory();
    const path = writeTree(directory.join("s"), {});
    const made = await emptyWorld();
    const ids: string[] = [];
    for (let day = 0; day < 6; day++) {
      ids.push(...(await snapshots(made, path, { count: perDay, firstSeed: 100 * day })));
      // In a session of its own for each, as hourly backups do; among them some that compact the manifests.
      const left = new Set((await listSnapshots(made.repository.manifests)).map(({ id }) => id));
      for (const id of ids.splice(0, ids.length - 1)) {
        if (left.has(id)) await remove(made.repository, id);
      }
      await full(await later(made), { breaker: STRICT });
    }
    expect(await verifyAll(await later(made))).toBe(1);
  },
);

test.each([
  [10, true],
  [11, false],
])("%i snapshots gone without a trace: passes %s", async (count, passes) => {
  using directory = tempDirectory();
  const path = writeTree(directory.join("s"), {});
  const made = await emptyWorld();
  const ids = await snapshots(made, path, { count, isOwnSource: true });
  const repository = await later(made);
  await loseManifests(repository, ids);
  const { repository: fresh } = await memoryRepository(made);
  const outcome = full(fresh);
  if (passes) {
    expect(await outcome).toBe("full");
    return;
  }
  await expect(outcome).rejects.toMatchObject(REFUSED);
  await expect(full(fresh, { breaker: parseBreaker("snapshots=11") })).resolves.toBe("full");
});

test("more than a fifth of the live bytes without a removed snapshot is refused, and nothing was marked", async () => {
  using directory = tempDirectory();
  const path = writeTree(directory.join("s"), {});
  const made = await emptyWorld();
  const ids = await snapshots(made, path, { count: 4 });
  await loseManifests(made.repository, ids.slice(0, 1));
  const repository = await later(made);
  const before = await made.repository.indexBlobs();
  await expect(full(repository, { breaker: STRICT })).rejects.toMatchObject(REFUSED);
  expect(await made.repository.indexBlobs()).toEqual(before);
  // Below the floor it is not looked at; switched off or allowed it passes.
  const pass = async (options: Parameters<typeof full>[1]): Promise<unknown> =>
    full(repository, options);
  await expect(pass({ breaker: parseBreaker("percent=90,min-bytes=0") })).resolves.toBe("full");
  expect(await verifyAll(repository)).toBe(3);
});

test.each<[string, { breaker?: BreakerSetting; allowLargeDeletion?: boolean }]>([
  ["below the floor", {}],
  ["off", { breaker: "off" }],
  ["allowed once", { breaker: STRICT, allowLargeDeletion: true }],
])("lost bytes pass: %s", async (_name, options) => {
  using directory = tempDirectory();
  const made = await emptyWorld();
  const ids = await snapshots(made, writeTree(directory.join("s"), {}), { count: 4 });
  await loseManifests(made.repository, ids.slice(0, 2));
  const repository = await later(made);
  await full(repository, options);
  const stats = await lastStats(repository, "snapshot-gc");
  expect(Number(stats["deletedContentCount"])).toBeGreaterThan(0);
  expect(await listSnapshots(repository.manifests)).toHaveLength(2);
});

test("the floor of 16 MiB is real: above it the default trips", { timeout: 60_000 }, async () => {
  using directory = tempDirectory();
  const made = await emptyWorld();
  const path = writeTree(directory.join("s"), {});
  const ids = await snapshots(made, path, { count: 2, fileBytes: 2 ** 24 + 2000 });
  await loseManifests(made.repository, ids.slice(0, 1));
  await expect(full(await later(made))).rejects.toMatchObject(REFUSED);
});

test("packs whose index blob is lost are not deleted, although nothing names them", async () => {
  using directory = tempDirectory();
  const path = writeTree(directory.join("s"), {});
  const made = await emptyWorld();
  const known = new Set(await blobIds(made.storage, "xn"));
  await snapshots(made, path, { count: 2 });
  // What the kopia#5371 compaction did: index entries of data and manifests vanish together.
  const written = (await blobIds(made.storage, "xn")).filter((id) => !known.has(id));
  await snapshots(made, path, { count: 3, firstSeed: 50 });
  for (const id of written) await made.storage.delete(id);
  const packs = await blobIds(made.storage, "p");
  await full(await later(made), { breaker: STRICT });
  // Rewriting and deletion take turns.
  await expect(full(await later(made), { breaker: STRICT })).rejects.toMatchObject(REFUSED);
  expect(await blobIds(made.storage, "p")).toEqual(expect.arrayContaining(packs));
  await full(await later(made), { breaker: "off" });
  expect((await blobIds(made.storage, "p")).length).toBeLessThan(packs.length);
});

test("what a crashed upload left does not trip it", async () => {
  using directory = tempDirectory();
  const path = writeTree(directory.join("s"), {});
  const made = await emptyWorld();
  await snapshots(made, path, { count: 1 });
  writeFileSync(`${path}/file`, seededBytes(99, 90_000));
  await crashedUpload(made, path);
  const before = (await blobIds(made.storage, "p")).length;
  for (let day = 0; day < 7; day++) await full(await later(made), { breaker: STRICT });
  expect((await blobIds(made.storage, "p")).length).toBeLessThan(before);
  expect(await verifyAll(await later(made))).toBe(1);
});

test("settings: what they mean, and what is none", () => {
  expect(parseBreaker("off")).toBe("off");
  expect(parseBreaker("")).toEqual(DEFAULT_BREAKER);
  expect(parseBreaker("percent=5,snapshots=0,min-bytes=1")).toEqual({
    maxPercent: 5,
    maxSnapshots: 0,
    minBytes: 1,
  });
  for (const text of ["on", "percent", "percent=-1", "percent=x", "toString=1", "percent=1e3"]) {
    expect(() => parseBreaker(text)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  }
});
