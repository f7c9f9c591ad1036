import { writeFileSync } from "node:fs";
import { toHex, toUnixSeconds, type Clock, type Repository } from "@kopia-engine/kopia-format";
import { seededBytes } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import { loadSchedule } from "../../src/index.ts";
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
  world,
  type World,
} from "./maintenance-world.ts";

/** The next full run will not rewrite, so that it may delete (spec 3 §1.6). */
async function rewriteBefore({ clock, repository }: World, time: bigint): Promise<void> {
  clock.set(time - 30n * HOUR);
  await full(repository);
  clock.set(time);
}

function contentTimes(repository: Repository): number[] {
  return [...repository.contents.contents({ includeDeleted: true })].map(
    ({ timestampSeconds }) => timestampSeconds,
  );
}

test("garbage is marked when it is 24 hours old, not a nanosecond earlier", async () => {
  using directory = tempDirectory();
  for (const [early, marked] of [
    [1n, 0],
    [0n, 2],
  ] as const) {
    const { clock, repository } = await world(writeTree(directory.join(`s${early}`), {}));
    const newest = Math.max(...contentTimes(repository));
    expect(newest).toBe(Math.min(...contentTimes(repository)));
    clock.set(BigInt(newest) * SECOND + 24n * HOUR - early);
    await full(repository);
    const stats = await lastStats(repository, "snapshot-gc");
    expect(stats["deletedContentCount"]).toBe(marked);
    expect(stats["unreferencedRecentContentCount"]).toBe(2 - marked);
  }
});

test("contents are moved when they are 2 hours old, not a nanosecond earlier", async () => {
  using directory = tempDirectory();
  const { clock, repository } = await world(writeTree(directory.join("s"), {}));
  const written = BigInt(Math.max(...contentTimes(repository))) * SECOND;
  clock.set(written + 2n * HOUR - 1n);
  await full(repository);
  const early = await lastStats(repository, "full-rewrite-contents");
  expect(early["rewrittenContentCount"]).toBe(0);
  expect(early["retainedContentCount"]).toBeGreaterThan(3);
  const { clock: later, repository: other } = await world(writeTree(directory.join("t"), {}));
  later.set(BigInt(Math.max(...contentTimes(other))) * SECOND + 2n * HOUR);
  await full(other);
  const due = await lastStats(other, "full-rewrite-contents");
  expect(due["rewrittenContentCount"]).toBe(early["retainedContentCount"]);
  expect(due["retainedContentCount"]).toBe(0);
});

test("an unreferenced pack stays for 24 hours of the storage's clock", async () => {
  const orphan = `p${toHex(seededBytes(1, 16))}-s0123456789abcdef12d`;
  for (const [early, remains] of [
    [1n, true],
    [0n, false],
  ] as const) {
    const made = await emptyWorld();
    const { timestamp } = await made.storage.put(orphan, seededBytes(2, 100));
    // The cut-off is a second after the start.
    const due = timestamp + 24n * HOUR - SECOND;
    await rewriteBefore(made, due - early);
    await full(made.repository);
    expect((await blobIds(made.storage, "p")).includes(orphan)).toBe(remains);
  }
});

test("a pack from the future stays, whatever its age would be", async () => {
  const orphan = `p${toHex(seededBytes(1, 16))}-s0123456789abcdef12d`;
  const made = await emptyWorld();
  const due = made.clock.now() + 100n * HOUR;
  await rewriteBefore(made, due);
  await made.storage.put(orphan, seededBytes(2, 100), { timestamp: due + SECOND + 1n });
  await full(made.repository, { safety: "none" });
  expect(await blobIds(made.storage, "p")).toContain(orphan);
});

test("packs and marker of a session that wrote no index stay for 96 hours", async () => {
  using directory = tempDirectory();
  const path = writeTree(directory.join("s"), {});
  for (const [early, remains] of [
    [1n, true],
    [0n, false],
  ] as const) {
    const made = await emptyWorld();
    writeFileSync(`${path}/file`, seededBytes(1, 5000));
    const started = made.clock.now();
    await crashedUpload(made, path);
    const left = [...(await blobIds(made.storage, "p")), ...(await blobIds(made.storage, "s"))];
    expect(left.length).toBeGreaterThanOrEqual(2);
    await rewriteBefore(made, started + 96n * HOUR - SECOND - early);
    await full(made.repository);
    const after = [...(await blobIds(made.storage, "p")), ...(await blobIds(made.storage, "s"))];
    expect(after).toEqual(remains ? left : []);
  }
});

test("packs of a live session stay although they are older than a day", async () => {
  using directory = tempDirectory();
  const path = writeTree(directory.join("s"), {});
  const made = await emptyWorld();
  writeFileSync(`${path}/file`, seededBytes(1, 5000));
  await crashedUpload(made, path);
  const packsLeft = await blobIds(made.storage, "p");
  await rewriteBefore(made, made.clock.now() + 40n * HOUR);
  await full(made.repository);
  expect(await blobIds(made.storage, "p")).toEqual(packsLeft);
  const [marker = ""] = await blobIds(made.storage, "s");
  await made.storage.delete(marker);
  made.clock.advance(24n * HOUR);
  await full(made.repository);
  made.clock.advance(24n * HOUR);
  await full(made.repository);
  expect(await blobIds(made.storage, "p")).toEqual([]);
});

test("the watermark is an hour before a collection that was confirmed more than 4 hours later", async () => {
  const { clock, storage, repository } = await emptyWorld();
  const first = clock.now();
  await full(repository);
  clock.set(first + 4n * HOUR);
  await full(repository);
  expect(await blobIds(storage, "xw")).toEqual([]);
  const { runs } = await loadSchedule(repository);
  expect(runs.has("full-drop-deleted-content")).toBe(false);
  clock.set(first + 4n * HOUR + 1n);
  await full(repository);
  expect(await blobIds(storage, "xw")).toEqual([`xw${toUnixSeconds(first - HOUR)}`]);
});

test("what was marked after the confirmed collection is not forgotten", async () => {
  using directory = tempDirectory();
  const { clock, storage, repository, garbage } = await world(writeTree(directory.join("s"), {}));
  const days: boolean[] = [];
  for (let day = 1; day <= 6; day++) {
    clock.advance(24n * HOUR);
    await full(repository);
    days.push((await blobIds(storage, "p")).includes(garbage));
  }
  // Day 1 marks; day 2 confirms day 1, but from an hour before; day 3 forgets; then deletion and rewriting take turns.
  expect(days).toEqual([true, true, true, false, false, false]);
});

test.each([
  [300n * SECOND, true],
  [300n * SECOND + 1n, false],
  [-300n * SECOND, true],
  [-300n * SECOND - 1n, false],
])("clocks %d ns apart: %s", async (skew, runs) => {
  const { clock, storage } = await emptyWorld();
  const skewed: Clock = { now: () => clock.now() - skew, sleep: () => Promise.resolve() };
  const { repository } = await memoryRepository({ storage, clock: skewed });
  const outcome = full(repository);
  if (runs) expect(await outcome).toBe("full");
  else await expect(outcome).rejects.toMatchObject({ code: "MAINTENANCE_CLOCK_SKEW" });
});

test("a full cycle moves both times, a quick one only its own", async () => {
  const { clock, repository } = await emptyWorld();
  const start = clock.now();
  await full(repository);
  expect(await loadSchedule(repository)).toMatchObject({
    nextFullMaintenance: start + 24n * HOUR,
    nextQuickMaintenance: start + HOUR,
  });
  clock.advance(30n * 60n * SECOND);
  await full(repository, { mode: "quick" });
  expect(await loadSchedule(repository)).toMatchObject({
    nextFullMaintenance: start + 24n * HOUR,
    nextQuickMaintenance: start + HOUR + 30n * 60n * SECOND,
  });
  clock.set(start + 24n * HOUR - 1n);
  expect(await full(repository, { mode: "auto" })).toBe("quick");
  expect(await full(repository, { mode: "auto" })).toBe("not-due");
  clock.set(start + 24n * HOUR);
  expect(await full(repository, { mode: "auto" })).toBe("full");
});

test("logs go by age, count and size, the newest stay", async () => {
  const { clock, storage, repository } = await emptyWorld();
  const start = clock.now();
  const put = (name: string, ageHours: bigint): Promise<unknown> =>
    storage.put(`_log_${name}`, seededBytes(1, 100), { timestamp: start - ageHours * HOUR });
  await put("now", 0n);
  await put("limit", 720n);
  await put("old", 721n);
  await full(repository);
  expect(await blobIds(storage, "_log_")).toEqual(["_log_limit", "_log_now"]);
  expect(await lastStats(repository, "cleanup-logs")).toEqual({
    toDeleteBlobCount: 1,
    toDeleteBlobSize: 100,
    deletedBlobCount: 1,
    deletedBlobSize: 100,
    retainedBlobCount: 2,
    retainedBlobSize: 200,
  });
});
