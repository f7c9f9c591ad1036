import { writeFileSync } from "node:fs";
import { collectAsync } from "@kopia-engine/kopia-format";
import { seededBytes } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import {
  getMaintenanceParameters,
  loadSchedule,
  planMaintenance,
  saveSchedule,
  setMaintenanceParameters,
} from "../../src/index.ts";
import { memoryRepository } from "../memory-repository.ts";
import { tempDirectory } from "../temp-directory.ts";
import { writeTree } from "../write-tree.ts";
import {
  HOUR,
  SECOND,
  blobIds,
  emptyWorld,
  full,
  remove,
  snapshot,
  verifyAll,
  world,
} from "./maintenance-world.ts";

/** The older index scheme: no epochs. */
const V0 = { format: { version: 1 } } as const;

async function tasksOf(
  repository: Parameters<typeof full>[0],
  options: Parameters<typeof full>[1] = {},
): Promise<string[]> {
  const tasks: string[] = [];
  await full(repository, { ...options, observer: { taskStarted: (task) => tasks.push(task) } });
  return tasks;
}

const EPOCH_TASKS = [
  "compact-single-epoch",
  "advance-epoch",
  "generate-epoch-range-index",
  "cleanup-epoch-markers",
  "delete-superseded-epoch-indexes",
  "cleanup-logs",
];

test("tasks and their order, with epochs", async () => {
  const { clock, repository } = await emptyWorld();
  expect(await tasksOf(repository, { mode: "quick" })).toEqual([
    "compact-single-epoch",
    "advance-epoch",
  ]);
  expect(await tasksOf(repository)).toEqual([
    "snapshot-gc",
    "full-rewrite-contents",
    ...EPOCH_TASKS,
  ]);
  clock.advance(5n * HOUR);
  expect(await tasksOf(repository)).toEqual([
    "snapshot-gc",
    "full-drop-deleted-content",
    "full-delete-blobs",
    ...EPOCH_TASKS,
  ]);
  expect(await tasksOf(repository, { safety: "none" })).toEqual([
    "snapshot-gc",
    "full-rewrite-contents",
    "full-drop-deleted-content",
    "full-delete-blobs",
    ...EPOCH_TASKS,
  ]);
  const { runs } = await loadSchedule(repository);
  expect(runs.get("snapshot-gc")).toHaveLength(3);
});

test("tasks and their order, without epochs", async () => {
  using directory = tempDirectory();
  const { clock, repository } = await world(writeTree(directory.join("s"), {}), V0);
  expect(await tasksOf(repository, { mode: "quick" })).toEqual([
    "quick-rewrite-contents",
    "index-compaction",
    "cleanup-logs",
  ]);
  clock.advance(HOUR);
  expect(await tasksOf(repository, { mode: "quick" })).toEqual([
    "quick-delete-blobs",
    "index-compaction",
    "cleanup-logs",
  ]);
  clock.advance(24n * HOUR);
  expect(await tasksOf(repository)).toEqual([
    "snapshot-gc",
    "full-rewrite-contents",
    "cleanup-logs",
  ]);
  clock.advance(24n * HOUR);
  expect(await tasksOf(repository)).toEqual([
    "snapshot-gc",
    "full-drop-deleted-content",
    "full-delete-blobs",
    "cleanup-logs",
  ]);
});

test("the older scheme: garbage goes in the end, snapshots and index stay whole", async () => {
  using directory = tempDirectory();
  const path = writeTree(directory.join("s"), {});
  const { clock, storage, repository, garbage } = await world(path, V0);
  const gone: boolean[] = [];
  for (let day = 0; day < 7; day++) {
    clock.advance(25n * HOUR);
    await full(repository);
    await full(repository, { mode: "quick" });
    expect(await verifyAll(repository)).toBe(1);
    const fresh = await memoryRepository({ ...V0, storage, clock });
    expect(await verifyAll(fresh.repository)).toBe(1);
    gone.push(!(await blobIds(storage, "p")).includes(garbage));
  }
  expect(gone.slice(0, 3)).toEqual([false, false, false]);
  expect(gone.at(-1)).toBe(true);
  expect((await blobIds(storage, "n")).length).toBeLessThan(4);
});

test("many small index blobs of the older scheme are merged by a quick cycle", async () => {
  using directory = tempDirectory();
  const path = writeTree(directory.join("s"), {});
  const { clock, storage, repository } = await world(path, V0);
  for (let i = 0; i < 12; i++) {
    writeFileSync(`${path}/f`, seededBytes(i, 100));
    clock.advance(SECOND);
    await snapshot(repository, path);
  }
  const before = await repository.indexBlobs();
  expect(before.length).toBeGreaterThan(8);
  await full(repository, { mode: "quick" });
  expect((await repository.indexBlobs()).length).toBeLessThan(3);
  const { repository: other } = await memoryRepository({ ...V0, storage, clock });
  expect(await verifyAll(other)).toBe(10);
});

test.each([{}, V0])("a plan deletes exactly what the run then deletes (%o)", async (format) => {
  using directory = tempDirectory();
  const path = writeTree(directory.join("s"), {});
  const { clock, storage, repository, garbage } = await world(path, format);
  for (let i = 0; i < 5; i++) {
    writeFileSync(`${path}/changing`, seededBytes(i + 10, 5000));
    const id = await snapshot(repository, path);
    clock.advance(10n * SECOND);
    if (i % 2 === 0) await remove(repository, id);
  }
  await storage.put("_log_old", new Uint8Array(3), { timestamp: 1n });
  clock.advance(48n * HOUR);
  const before = (await collectAsync(storage.list(""))).map(({ id, timestamp }) => ({
    id,
    timestamp,
  }));
  const plan = await planMaintenance({ repository, mode: "full", safety: "none" });
  const untouched = (await collectAsync(storage.list(""))).map(({ id, timestamp }) => ({
    id,
    timestamp,
  }));
  expect(untouched).toEqual(before);
  const planned = plan.tasks.flatMap(({ deletes = [] }) => deletes.map(({ id }) => id));
  expect(planned).toContain(garbage);
  expect(planned).toContain("_log_old");
  await full(repository, { safety: "none" });
  const after = new Set((await collectAsync(storage.list(""))).map(({ id }) => id));
  const deleted = before.filter(({ id }) => !after.has(id)).map(({ id }) => id);
  // The older scheme replaces its index blobs while it drops entries.
  const packsAndLogs = deleted.filter((id) => /^(p|q|s|_log_)/.test(id));
  expect(planned.toSorted()).toEqual(packsAndLogs.toSorted());
});

test("a plan says what is left out and why", async () => {
  const { repository } = await emptyWorld();
  const plan = await planMaintenance({ repository, mode: "full" });
  const skipped = plan.tasks.filter(({ runs }) => !runs);
  expect(skipped.map(({ task }) => task)).toEqual([
    "full-drop-deleted-content",
    "full-delete-blobs",
  ]);
  expect(skipped.every(({ lines }) => lines[0]?.startsWith("left out: "))).toBe(true);
  const none = await planMaintenance({ repository, mode: "auto", safety: "full" });
  expect(none.mode).toBe("full");
});

test("members of schedule and parameters that this program does not know stay", async () => {
  const { repository } = await emptyWorld();
  const schedule = {
    ...(await loadSchedule(repository)),
    unknown: { later: { a: [1, "x"] } },
    runs: new Map([
      [
        "future-task",
        [{ start: 1n, end: 2n, success: true, error: "", extra: [], unknown: { mood: "good" } }],
      ],
    ]),
  };
  await saveSchedule(repository, schedule);
  await full(repository);
  const after = await loadSchedule(repository);
  expect(JSON.stringify(after.unknown)).toContain('"later"');
  expect(after.runs.get("future-task")?.[0]?.unknown).toEqual({ mood: "good" });
  await using session = await repository.writeSession();
  const before = await getMaintenanceParameters(session.manifests);
  const text = '{"owner":"user@host","quick":{"enabled":true,"interval":1,"z":1},"y":{"b":true}}';
  await session.manifests.replace({ type: "maintenance" }, text);
  const read = await getMaintenanceParameters(session.manifests);
  await setMaintenanceParameters(session.manifests, {
    ...read,
    full: { ...read.full, intervalNs: 7 },
    logRetention: before.logRetention,
  });
  const [entry] = await session.manifests.find({ type: "maintenance" });
  const payload = await session.manifests.getPayload(entry?.id ?? "");
  expect(payload).toContain('"quick":{"enabled":true,"interval":1,"z":1}');
  expect(payload).toContain('"y":{"b":true}');
  expect(payload).toContain('"interval":7');
});

test("index entries outside of their packs are found where checks are asked for", async () => {
  using directory = tempDirectory();
  const { clock, storage, repository } = await world(writeTree(directory.join("s"), {}));
  clock.advance(10n * SECOND);
  await full(repository, { verifyPercent: 100 });
  const [pack = ""] = await blobIds(storage, "p");
  await storage.put(pack, (await storage.get(pack)).subarray(0, 100));
  clock.advance(10n * SECOND);
  await expect(full(repository, { verifyPercent: 100 })).rejects.toThrow("found before");
});

test("contents that cannot be read stop a rewrite, unless they are deleted and that is asked for", async () => {
  using directory = tempDirectory();
  const { clock, storage, repository, garbage } = await world(writeTree(directory.join("s"), {}));
  clock.advance(48n * HOUR);
  await full(repository);
  clock.advance(48n * HOUR);
  const data = await storage.get(garbage);
  await storage.put(garbage, data.fill(7, 0, 6000));
  await expect(full(repository, { safety: "none" })).rejects.toThrow(
    "failed to rewrite 1 contents",
  );
  expect((await loadSchedule(repository)).runs.get("full-rewrite-contents")?.[0]?.success).toBe(
    false,
  );
  expect(await full(repository, { safety: "none", ignoreRewriteErrors: true })).toBe("full");
  expect(await verifyAll(repository)).toBe(1);
});
