import { MemoryStorage } from "@kopia-engine/kopia-format";
import { FakeClock } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import { createSnapshot, listSnapshots, loadSnapshot, saveSnapshot } from "../src/index.ts";
import { SnapshotGuard } from "../src/upload/snapshot-guard.ts";
import { memoryRepository } from "./memory-repository.ts";
import { tempDirectory } from "./temp-directory.ts";
import { writeTree } from "./write-tree.ts";

const HOUR = 3_600_000_000_000n;

/** A snapshot, a guard that began now, and what a collection does to one of its contents. */
async function world(path: string) {
  const clock = new FakeClock();
  const storage = new MemoryStorage({ clock });
  const blank = await memoryRepository();
  for await (const { id } of blank.storage.list(""))
    await storage.put(id, await blank.storage.get(id));
  const { repository } = await memoryRepository({ storage, clock });
  const source = { userName: "user", host: "host", path };
  const first = await repository.writeSession();
  const { manifest } = await createSnapshot(first, { source, timeZone: "UTC" });
  await first.flush();
  await first[Symbol.asyncDispose]();
  await repository.refresh();
  const session = await repository.writeSession();
  const collect = async (): Promise<void> => {
    const other = (await memoryRepository({ storage, clock })).repository;
    await using deleting = await other.writeSession();
    deleting.contents.deleteContent(manifest.rootEntry?.objectId ?? "");
    await deleting.flush();
  };
  return { clock, repository, session, manifest, collect, guard: new SnapshotGuard(session) };
}

test("what a snapshot relied on for hours is looked for before it is saved", async () => {
  using directory = tempDirectory();
  const { clock, guard, manifest, collect } = await world(
    writeTree(directory.join("s"), { f: "1" }),
  );
  clock.advance(5n * HOUR);
  await guard.assertStored(manifest);
  await collect();
  await expect(guard.assertStored(manifest)).rejects.toMatchObject({ code: "SESSION_EXPIRED" });
  guard.startAnew();
  await guard.assertStored(manifest);
});

test("a snapshot that became broken while it was flushed is taken back", async () => {
  using directory = tempDirectory();
  const path = writeTree(directory.join("s"), { f: "1" });
  const { clock, repository, session, guard, manifest, collect } = await world(path);
  const saved = await saveSnapshot(session.manifests, manifest);
  guard.watchFlush(saved);
  await collect();
  clock.advance(5n * HOUR);
  await expect(session.flush()).rejects.toMatchObject({ code: "SESSION_EXPIRED" });
  await session[Symbol.asyncDispose]();
  await repository.refresh();
  const ids = (await listSnapshots(repository.manifests)).map(({ id }) => id);
  expect(ids).toEqual([manifest.id]);
  await expect(loadSnapshot(repository.manifests, saved.id)).rejects.toMatchObject({
    code: "SNAPSHOT_NOT_FOUND",
  });
});

test("a flush in time is not looked at again", async () => {
  using directory = tempDirectory();
  const path = writeTree(directory.join("s"), { f: "1" });
  const { clock, session, guard, manifest, collect } = await world(path);
  guard.watchFlush(await saveSnapshot(session.manifests, manifest));
  await collect();
  clock.advance(3n * HOUR);
  await session.flush();
  // Once only.
  clock.advance(3n * HOUR);
  await session.flush();
  await session[Symbol.asyncDispose]();
});
