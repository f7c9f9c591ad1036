import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import {
  collectAsync,
  createFilesystemRepository,
  openFilesystemRepository,
  type Clock,
} from "@kopia-engine/kopia-format";
import { FaultyStorage, seededBytes, type FaultKind } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import {
  DEFAULT_MAINTENANCE_PARAMETERS,
  listSnapshots,
  loadSchedule,
  planMaintenance,
  setMaintenanceParameters,
} from "../../src/index.ts";
import { memoryRepository } from "../memory-repository.ts";
import { tempDirectory } from "../temp-directory.ts";
import { writeTree } from "../write-tree.ts";
import { HOUR, full, packs, remove, snapshot, verifyAll, world } from "./maintenance-world.ts";

test("with full safety nothing goes before a second collection and 24 hours", async () => {
  using directory = tempDirectory();
  const { clock, storage, repository, garbage } = await world(writeTree(directory.join("s"), {}));
  await full(repository);
  expect(await packs(storage)).toContain(garbage);
  const recent = (await loadSchedule(repository)).runs.get("snapshot-gc")?.[0];
  expect(JSON.stringify(recent?.extra)).toContain('"deletedContentCount":0');
  let cycles = 1;
  while ((await packs(storage)).includes(garbage) && cycles < 9) {
    clock.advance(24n * HOUR);
    await full(repository);
    expect(await verifyAll(repository)).toBe(1);
    cycles++;
  }
  // Marked on the second day; a watermark behind the mark needs two more, deletion perhaps one more.
  expect(cycles).toBeGreaterThanOrEqual(4);
  expect(cycles).toBeLessThanOrEqual(6);
});

test("a content that a racing snapshot uses again is restored by the next collection", async () => {
  using directory = tempDirectory();
  const path = writeTree(directory.join("s"), {});
  const { clock, repository } = await world(path);
  clock.advance(48n * HOUR);
  const manifests = await listSnapshots(repository.manifests);
  const { id, rootEntry } = manifests[0]!;
  const payload = await repository.manifests.getPayload(id);
  const { labels } = (await repository.manifests.find({ type: "snapshot" }))[0] ?? { labels: {} };
  await remove(repository, id);
  await full(repository);
  await using session = await repository.writeSession();
  await session.manifests.put(labels, payload);
  await session.flush();
  await repository.refresh();
  expect(repository.contents.getContentInfo(rootEntry?.objectId ?? "")?.deleted).toBe(true);
  for (let day = 0; day < 6; day++) {
    clock.advance(25n * HOUR);
    await full(repository);
    expect(await verifyAll(repository)).toBe(1);
  }
  expect(repository.contents.getContentInfo(rootEntry?.objectId ?? "")?.deleted).toBe(false);
});

test("refusals: owner, clock; a dry run writes nothing", async () => {
  using directory = tempDirectory();
  const { clock, storage, repository } = await world(writeTree(directory.join("s"), {}));
  const skewed: Clock = { now: () => clock.now() + HOUR, sleep: () => Promise.resolve() };
  const other = await memoryRepository({ storage, clock: skewed });
  await expect(full(other.repository)).rejects.toMatchObject({ code: "MAINTENANCE_CLOCK_SKEW" });
  const before = await collectAsync(storage.list(""));
  await planMaintenance({ repository, mode: "full", safety: "none" });
  expect(await collectAsync(storage.list(""))).toEqual(before);
  await using session = await repository.writeSession();
  await setMaintenanceParameters(session.manifests, DEFAULT_MAINTENANCE_PARAMETERS);
  await session.flush();
  await repository.refresh();
  await expect(full(repository)).rejects.toMatchObject({ code: "MAINTENANCE_NOT_OWNED" });
});

test("without margins garbage goes at once, and what is needed stays", async () => {
  using directory = tempDirectory();
  const { clock, storage, repository, garbage } = await world(writeTree(directory.join("s"), {}));
  clock.advance(10_000_000_000n);
  await full(repository, { safety: "none" });
  clock.advance(10_000_000_000n);
  await full(repository, { safety: "none" });
  expect(await packs(storage)).not.toContain(garbage);
  expect(await verifyAll(repository)).toBe(1);
});

test.each<[FaultKind, string, { readonly format?: { readonly version: number } }]>([
  ["kill", "with epochs", {}],
  ["killAfter", "with epochs", {}],
  ["fail", "with epochs", {}],
  ["failAfter", "with epochs", {}],
  ["killAfter", "without epochs", { format: { version: 1 } }],
])(
  "%s at every storage operation of a full maintenance %s: snapshots stay whole, the next run finishes",
  { timeout: 120_000 },
  async (kind, _name, options) => {
    using directory = tempDirectory();
    const path = writeTree(directory.join("s"), {});
    let operations = 0;
    for (let nth = 1; nth < 500; nth++) {
      const { clock, storage, garbage } = await world(path, options);
      clock.advance(10_000_000_000n);
      const faulty = new FaultyStorage(storage, [{ kind, nth }]);
      const survived = await memoryRepository({ ...options, storage: faulty, clock })
        .then(({ repository }) => full(repository, { safety: "none" }))
        .then(
          () => true,
          () => false,
        );
      const { repository } = await memoryRepository({ ...options, storage, clock });
      expect(await verifyAll(repository)).toBe(1);
      for (let again = 0; again < 2; again++) {
        clock.advance(10_000_000_000n);
        await full(repository, { safety: "none" });
      }
      expect(await verifyAll(repository)).toBe(1);
      expect(await packs(storage)).not.toContain(garbage);
      operations = nth;
      if (survived && !faulty.killed && faulty.log.length < nth) break;
    }
    expect(operations).toBeGreaterThan(20);
    expect(operations).toBeLessThan(499);
  },
);

const kopia = process.env["KOPIA_EXE"];
test.skipIf(kopia === undefined)(
  "taking turns with the real program (needs KOPIA_EXE)",
  async () => {
    using directory = tempDirectory();
    const path = writeTree(directory.join("s"), {});
    const client = { username: "user", hostname: "host" };
    const where = { path: directory.join("repo"), password: "live", client };
    await (await createFilesystemRepository(where)).close();
    const run = (...args: string[]): string =>
      execFileSync(kopia ?? "", [...args, `--config-file=${directory.join("config")}`], {
        encoding: "utf8",
        stdio: "pipe",
        env: {
          ...process.env,
          KOPIA_PASSWORD: "live",
          KOPIA_CHECK_FOR_UPDATES: "false",
          KOPIA_CACHE_DIRECTORY: directory.join("cache"),
        },
      });
    run(
      "repository",
      "connect",
      "filesystem",
      `--path=${where.path}`,
      "--override-username=user",
      "--override-hostname=host",
    );
    run("maintenance", "set", "--owner=me");
    let previous: string | undefined;
    for (let round = 0; round < 4; round++) {
      await using repository = await openFilesystemRepository(where);
      writeFileSync(`${path}/f${round}`, seededBytes(round, 30_000));
      writeFileSync(`${path}/same`, seededBytes(round + 50, 30_000));
      const id = await snapshot(repository, path);
      if (previous !== undefined) await remove(repository, previous);
      previous = id;
      await full(repository, { safety: "none" });
      run("snapshot", "verify", "--verify-files-percent=100");
      run("content", "verify", "--full");
      const info = JSON.parse(run("maintenance", "info", "--json")) as {
        schedule: { runs: Record<string, unknown[]> };
      };
      const ours = await loadSchedule(repository);
      expect(Object.keys(info.schedule.runs).sort()).toEqual([...ours.runs.keys()].sort());
      run("maintenance", "run", "--full", "--safety=none");
      expect((await loadSchedule(repository)).runs.get("snapshot-gc")?.length).toBe(
        2 * (round + 1),
      );

      expect(await verifyAll(repository)).toBe(1);
      run("snapshot", "verify", "--verify-files-percent=100");
    }
  },
  120_000,
);
