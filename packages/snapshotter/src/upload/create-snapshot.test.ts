import { writeFileSync } from "node:fs";
import type { Repository, WriteSession } from "@kopia-engine/kopia-format";
import { FakeClock, seededBytes } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import { memoryRepository } from "../../test/memory-repository.ts";
import { type TempDirectory, tempDirectory } from "../../test/temp-directory.ts";
import { writeTree } from "../../test/write-tree.ts";
import { resolveObjectPath } from "../fs/object-path.ts";
import { resolveRestoreSource } from "../fs/restore-source.ts";
import { readDirectory } from "../fs/read-directory.ts";
import { getMaintenanceParameters } from "../model/maintenance-parameters.ts";
import { listSnapshots } from "../model/snapshot-store.ts";
import { getDefinedPolicy, setPolicy } from "../policy/policy-store.ts";
import { prepareNewRepository } from "../policy/prepare-new-repository.ts";
import { EMPTY_POLICY } from "../policy/policy.ts";
import {
  createSnapshot,
  type CreateSnapshotOptions,
  type CreateSnapshotResult,
} from "./create-snapshot.ts";

const HOUR_NS = 3_600_000_000_000n;

interface Bench {
  readonly clock: FakeClock;
  readonly directory: TempDirectory;
  readonly repository: Repository;
  readonly session: WriteSession;
  readonly source: { userName: string; host: string; path: string };
  readonly create: (options?: Partial<CreateSnapshotOptions>) => Promise<CreateSnapshotResult>;
}

async function withBench(run: (bench: Bench) => Promise<void>): Promise<void> {
  using directory = tempDirectory();
  const clock = new FakeClock();
  const { repository } = await memoryRepository({ clock });
  await using session = await repository.writeSession();
  await prepareNewRepository(session);
  const source = { userName: "user", host: "host", path: directory.join("source") };
  writeTree(source.path, { file: "1", sub: { inner: "2" } });
  const create = async (
    options: Partial<CreateSnapshotOptions> = {},
  ): Promise<CreateSnapshotResult> => {
    clock.advance(HOUR_NS);
    return await createSnapshot(session, { source, timeZone: "UTC", ...options });
  };
  await run({ clock, directory, repository, session, source, create });
  await repository.close();
}

test("saves a snapshot with description, tags and pins, and reuses the one before", async () => {
  await withBench(async ({ session, create }) => {
    const first = await create({
      description: "first",
      tags: { "tag:kind": "test" },
      pins: ["b", "a", "b"],
    });
    expect(first).toMatchObject({ saved: true, identical: false, deletedByRetention: [] });
    const second = await create();
    expect(second).toMatchObject({ saved: true, identical: true });
    expect(second.manifest.stats.cachedFileCount).toBe(2);
    const saved = await listSnapshots(session.manifests);
    expect(saved.map(({ id }) => id)).toEqual([first.manifest.id, second.manifest.id]);
    expect(saved[0]).toMatchObject({
      description: "first",
      tags: { "tag:kind": "test" },
      pins: ["a", "b"],
      rootEntry: first.manifest.rootEntry,
    });
  });
});

test("given times replace the real ones, one alone shifts the other", async () => {
  await withBench(async ({ clock, create }) => {
    const both = await create({ startTime: 5n, endTime: 9n });
    expect(both.manifest).toMatchObject({ startTime: 5n, endTime: 9n });
    const started = clock.now() + HOUR_NS;
    const start = await create({ startTime: 1000n });
    expect(start.manifest.startTime).toBe(1000n);
    const durationNs = start.manifest.endTime - 1000n;
    expect(durationNs).toBe(clock.now() - started);
    const end = await create({ endTime: 5000n });
    expect(end.manifest.endTime).toBe(5000n);
    expect(end.manifest.startTime).toBeLessThanOrEqual(5000n);
  });
});

test("retention is applied, and identical snapshots are not saved where the policy says so", async () => {
  await withBench(async ({ session, source, create }) => {
    const retention = { keepLatest: 2, ignoreIdenticalSnapshots: true };
    await setPolicy(session.manifests, source, {
      ...EMPTY_POLICY,
      retention: {
        ...retention,
        keepHourly: 0,
        keepDaily: 0,
        keepWeekly: 0,
        keepMonthly: 0,
        keepAnnual: 0,
      },
    });
    const first = await create();
    const again = await create();
    expect(again).toMatchObject({ saved: false, identical: true });
    expect(again.manifest.id).toBe("");
    writeFileSync(`${source.path}/file`, "changed");
    await create();
    writeFileSync(`${source.path}/file`, "changed again");
    const last = await create();
    expect(last.deletedByRetention.map(({ id }) => id)).toEqual([first.manifest.id]);
    expect((await listSnapshots(session.manifests)).length).toBe(2);
  });
});

test("a stream becomes one file in a virtual directory, and its source manual", async () => {
  await withBench(async ({ session, create, source }) => {
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield seededBytes(1, 100_000);
      await Promise.resolve();
      yield seededBytes(2, 6_000_000);
    }
    const { manifest } = await create({ stdin: { fileName: "dump.sql", stream: stream() } });
    expect(manifest.rootEntry).toMatchObject({
      name: source.path,
      type: "d",
      mode: 0o777,
      modTime: -6_795_364_578_871_345_152n,
    });
    const { entry } = await resolveObjectPath(session, `${manifest.id}/dump.sql`);
    expect(entry).toMatchObject({ type: "f", mode: 0o777, sizeBytes: 6_100_000n, uid: 0 });
    const data = await session.objects.readObject(entry.objectId);
    expect(Buffer.from(data.subarray(100_000)).equals(seededBytes(2, 6_000_000))).toBe(true);
    const policy = await getDefinedPolicy(session.manifests, source);
    expect(policy?.policy.scheduling).toEqual({ manual: true });
    const broken = await create({
      stdin: {
        fileName: "x",
        // eslint-disable-next-line require-yield
        stream: (async function* () {
          await Promise.resolve();
          throw new Error("pipe broke");
        })(),
      },
    });
    expect(broken.manifest.rootEntry?.summary).toMatchObject({
      fatalErrorCount: 1,
      failedEntries: [{ path: "x", error: "pipe broke" }],
    });
  });
});

test("refuses what could not be saved before reading anything", async () => {
  await withBench(async ({ create, source, session }) => {
    await expect(create({ description: "ü".repeat(513) })).rejects.toThrow(/1026 bytes/);
    await expect(create({ source: { ...source, path: `${source.path}/` } })).rejects.toThrow(
      /ends with a slash/,
    );
    await expect(create({ source: { ...source, host: "" } })).rejects.toThrow(/has no host/);
    expect(await listSnapshots(session.manifests)).toEqual([]);
  });
});

test("this client becomes the owner of maintenance where nobody is", async () => {
  using directory = tempDirectory();
  const { repository } = await memoryRepository();
  await using session = await repository.writeSession();
  const path = writeTree(directory.join("source"), { file: "1" });
  await createSnapshot(session, { source: { userName: "u", host: "h", path } });
  expect((await getMaintenanceParameters(session.manifests))?.owner).toBe("user@host");
  await repository.close();
});

test("object paths: snapshot, root object, path inside, bare object", async () => {
  await withBench(async ({ session, create }) => {
    const { manifest } = await create();
    const rootId = manifest.rootEntry?.objectId ?? "";
    const bySnapshot = await resolveObjectPath(session, manifest.id);
    expect(bySnapshot.entry).toEqual(manifest.rootEntry);
    const byRoot = await resolveObjectPath(session, rootId);
    expect(byRoot).toMatchObject({ entry: manifest.rootEntry, snapshot: { id: manifest.id } });
    const inner = await resolveObjectPath(session, `${manifest.id}/sub/inner`);
    expect(inner).toMatchObject({
      path: ["sub", "inner"],
      entry: { name: "inner", sizeBytes: 1n },
    });
    const sub = (await readDirectory(session.objects, rootId)).entries[0];
    const bareDirectory = await resolveObjectPath(session, sub?.objectId ?? "");
    expect(bareDirectory.entry).toMatchObject({ type: "d", mode: 0o555, modTime: 0n, uid: 0 });
    const bareFile = await resolveObjectPath(session, inner.entry.objectId);
    expect(bareFile.entry).toMatchObject({ name: "file", type: "f", mode: 0o644, sizeBytes: 1n });
    await expect(resolveObjectPath(session, `${manifest.id}/sub/none`)).rejects.toThrow(
      "entry not found: sub/none",
    );
    await expect(resolveObjectPath(session, `${manifest.id}/file/x`)).rejects.toThrow(/not found/);
    await expect(resolveObjectPath(session, "nonsense")).rejects.toThrow(/object ID/);
    await expect(resolveObjectPath(session, "")).rejects.toThrow(/object ID/);
  });
});

test("a root shared by snapshots whose attributes differ: the latest wins, or is refused", async () => {
  await withBench(async ({ directory, session, source, create }) => {
    const first = await create();
    const other = { ...source, path: `${source.path}2` };
    const second = await create({ source: other, path: source.path });
    void directory;
    expect(second.manifest.rootEntry?.objectId).toBe(first.manifest.rootEntry?.objectId);
    const rootId = first.manifest.rootEntry?.objectId ?? "";
    const agreed = await resolveObjectPath(session, rootId, { consistentAttributes: true });
    expect(agreed.snapshot?.id).toBe(second.manifest.id);
  });
});

test("restore sources: by path, by parent, by time", async () => {
  await withBench(async ({ directory, session, source, create, clock }) => {
    const first = await create();
    const between = clock.now() + HOUR_NS / 2n;
    writeFileSync(`${source.path}/file`, "changed");
    const second = await create();
    const resolve = (text: string, snapshotTime?: string): Promise<unknown> =>
      resolveRestoreSource(session, text, {
        context: { userName: "user", host: "host", workingDirectory: directory.path },
        nowMs: Number(clock.now() / 1_000_000n),
        ...(snapshotTime === undefined ? {} : { snapshotTime }),
      });
    expect(await resolve(source.path)).toMatchObject({ entry: second.manifest.rootEntry });
    expect(await resolve("source")).toMatchObject({ entry: second.manifest.rootEntry });
    expect(await resolve(source.path, "oldest")).toMatchObject({ entry: first.manifest.rootEntry });
    const stamp = new Date(Number(between / 1_000_000n)).toISOString().slice(0, 16) + "Z";
    expect(await resolve(source.path, stamp)).toMatchObject({ entry: first.manifest.rootEntry });
    expect(await resolve(`user@host:${source.path}/sub`)).toMatchObject({
      entry: { type: "d", mode: 0o555 },
    });
    await expect(resolve(`${source.path}/none`)).rejects.toThrow(/no snapshots contain data for/);
    await expect(resolve(`other@host:${source.path}`)).rejects.toThrow(
      /no snapshots contain data for/,
    );
    expect(await resolve(`${second.manifest.id}/file`)).toMatchObject({ entry: { name: "file" } });
  });
});
