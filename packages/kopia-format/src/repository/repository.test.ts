import { expect, test } from "vitest";
import { bytesEqual } from "../base/bytes.ts";
import { NS_PER_SECOND } from "../base/clock.ts";
import { collectAsync } from "../base/collect-async.ts";
import { MemoryStorage } from "../blob/memory-storage.ts";
import { changePassword } from "../format/change-format.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { seededBytes } from "../testing/seeded.ts";
import { createRepository } from "./create-repository.ts";
import { openRepository, type OpenRepositoryOptions } from "./open-repository.ts";
import type { ClientOptions, Repository } from "./repository.ts";

const client: ClientOptions = { username: "u", hostname: "h", readOnly: false, description: "" };
const password = "correct horse";

async function newRepository() {
  const clock = new FakeClock();
  const storage = new MemoryStorage({ clock });
  const format = await createRepository(storage, { password });
  const open = (options: Partial<OpenRepositoryOptions> = {}): Promise<Repository> =>
    openRepository(storage, { password, client, clock, format, ...options });
  return { clock, storage, format, open };
}

async function blobIds(storage: MemoryStorage, prefix = ""): Promise<string[]> {
  return (await collectAsync(storage.list(prefix))).map((blob) => blob.id).sort();
}

test("what one session flushes, the next client reads", async () => {
  const { storage, open } = await newRepository();
  const data = seededBytes(1, 9_000_000);
  let fileId: string;
  let manifestId: string;
  {
    await using repository = await open();
    await using session = await repository.writeSession();
    fileId = session.objects.writeObject(data);
    manifestId = await session.manifests.put({ type: "snapshot", path: "/p" }, '{"a":1}');
    await session.flush();
    // The repository of the session sees it without a refresh.
    expect(bytesEqual(await repository.objects.readObject(fileId), data)).toBe(true);
    expect(await repository.manifests.getPayload(manifestId)).toBe('{"a":1}');
  }
  const kinds = (await blobIds(storage)).map((id) => id.replace(/[-_0-9].*|(?<=^[pq]).*/, ""));
  expect(new Set(kinds)).toEqual(new Set(["kopia.repository", "kopia.blobcfg", "p", "q", "xn"]));
  expect(kinds.filter((kind) => kind === "xn").length).toBe(1);
  await using again = await openRepository(storage, { password, client });
  expect(bytesEqual(await again.objects.readObject(fileId), data)).toBe(true);
  expect((await again.objects.verifyObject(fileId)).length).toBeGreaterThan(2);
  expect((await again.manifests.find({ type: "snapshot" })).map((entry) => entry.id)).toEqual([
    manifestId,
  ]);
  expect((await again.indexBlobs()).map((blob) => blob.id)).toEqual(await blobIds(storage, "xn"));
  expect(await again.currentEpoch()).toBe(0);
});

test("a session that is not flushed leaves nothing that others see", async () => {
  const { open } = await newRepository();
  await using repository = await open();
  {
    await using session = await repository.writeSession();
    session.objects.writeObject(seededBytes(2, 1000));
    await session.manifests.put({ type: "t" }, "1");
  }
  await repository.refresh();
  expect(await repository.manifests.find({})).toEqual([]);
  expect([...repository.contents.contents()]).toEqual([]);
});

test("another client's writes are seen after a refresh", async () => {
  const { open } = await newRepository();
  await using reader = await open();
  await using writer = await open();
  await using session = await writer.writeSession();
  const id = await session.manifests.put({ type: "t" }, "1");
  await session.flush();
  expect(await reader.manifests.find({})).toEqual([]);
  await reader.refresh();
  expect((await reader.manifests.find({})).map((entry) => entry.id)).toEqual([id]);
});

test("manifest compaction and its deletions reach storage in one index blob", async () => {
  const { storage, clock, open } = await newRepository();
  await using repository = await open();
  await using session = await repository.writeSession();
  for (let i = 0; i < 16; i++) {
    clock.advance(NS_PER_SECOND);
    await session.manifests.put({ type: "t", n: String(i) }, String(i));
    await session.flush();
  }
  const before = await blobIds(storage, "xn");
  clock.advance(NS_PER_SECOND);
  await session.manifests.put({ type: "t", n: "16" }, "16");
  await session.flush();
  const added = (await blobIds(storage, "xn")).filter((id) => !before.includes(id));
  expect(added).toHaveLength(1);
  await using again = await open();
  expect(await again.manifests.find({ type: "t" })).toHaveLength(17);
  const contents = [...again.contents.contents({ includeDeleted: true })];
  expect(contents.filter((entry) => !entry.deleted)).toHaveLength(1);
  expect(contents.filter((entry) => entry.deleted)).toHaveLength(16);
});

test("two clients that compact at the same time lose nothing", async () => {
  const { clock, open } = await newRepository();
  await using first = await open();
  await using second = await open();
  await using a = await first.writeSession();
  for (let i = 0; i < 16; i++) {
    await a.manifests.put({ type: "t", n: String(i) }, String(i));
    await a.flush();
  }
  clock.advance(NS_PER_SECOND);
  await second.refresh();
  await using b = await second.writeSession();
  await a.manifests.put({ type: "t", n: "a" }, "1");
  await b.manifests.put({ type: "t", n: "b" }, "1");
  await Promise.all([a.flush(), b.flush()]);
  await using again = await open();
  expect(await again.manifests.find({ type: "t" })).toHaveLength(18);
});

test("flushes that overlap follow each other", async () => {
  const { open } = await newRepository();
  await using repository = await open();
  await using session = await repository.writeSession();
  const first = session.objects.writeObject(seededBytes(3, 1000));
  const flushes = [session.flush()];
  const second = session.objects.writeObject(seededBytes(4, 1000));
  flushes.push(session.flush(), session.flush());
  await Promise.all(flushes);
  await using again = await open();
  expect(again.contents.getContentInfo(first)).toBeDefined();
  expect(again.contents.getContentInfo(second)).toBeDefined();
});

test("the wrong password is refused, and no repository is no repository", async () => {
  const { storage } = await newRepository();
  await expect(openRepository(storage, { password: "x", client })).rejects.toMatchObject({
    code: "INVALID_PASSWORD",
  });
  await expect(openRepository(new MemoryStorage(), { password, client })).rejects.toMatchObject({
    code: "REPOSITORY_NOT_FOUND",
  });
});

test("only an empty storage becomes a repository", async () => {
  const { storage } = await newRepository();
  await expect(createRepository(storage, { password })).rejects.toMatchObject({
    code: "REPOSITORY_EXISTS",
  });
  const foreign = new MemoryStorage();
  await foreign.put("zebra", new Uint8Array(1));
  const failed = await createRepository(foreign, { password }).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "REPOSITORY_FOREIGN_DATA", details: { blobCount: 1 } });
  expect(String(failed)).toContain("zebra");
  await expect(createRepository(new MemoryStorage(), { password: "" })).rejects.toMatchObject({
    code: "ARGUMENT_INVALID",
  });
  await expect(
    createRepository(new MemoryStorage(), { password, format: { hash: "NO-SUCH" } }),
  ).rejects.toMatchObject({ code: "ALGORITHM_UNKNOWN" });
});

test("a read-only client writes nothing", async () => {
  const { storage, open } = await newRepository();
  const before = await blobIds(storage);
  await using repository = await open({ client: { ...client, readOnly: true } });
  await expect(repository.writeSession()).rejects.toMatchObject({ code: "STORAGE_READ_ONLY" });
  await repository.manifests.find({});
  expect(await blobIds(storage)).toEqual(before);
});

test("packs without any index are not written over", async () => {
  const { storage, open } = await newRepository();
  {
    await using repository = await open();
    await using session = await repository.writeSession();
    await session.manifests.put({ type: "t" }, "1");
    await session.flush();
  }
  for (const id of await blobIds(storage, "x")) await storage.delete(id);
  await using repository = await open();
  await expect(repository.writeSession()).rejects.toMatchObject({
    code: "REPOSITORY_INDEX_MISSING",
  });
});

test("a password changed meanwhile is noticed before an index is written 15 minutes later", async () => {
  const { storage, clock, open } = await newRepository();
  await using repository = await open();
  await using session = await repository.writeSession();
  await session.manifests.put({ type: "t" }, "1");
  await changePassword(storage, { password, newPassword: "new" });
  await session.flush();
  await session.manifests.put({ type: "t" }, "2");
  clock.advance(15n * 60n * NS_PER_SECOND);
  const indexes = await blobIds(storage, "xn");
  await expect(session.flush()).rejects.toMatchObject({ code: "INVALID_PASSWORD" });
  expect(await blobIds(storage, "xn")).toEqual(indexes);
  await expect(session.flush()).rejects.toMatchObject({ code: "SESSION_BROKEN" });
});

test("a closed repository refuses everything", async () => {
  const { open } = await newRepository();
  const repository = await open();
  await repository.close();
  await repository.close();
  await expect(repository.refresh()).rejects.toMatchObject({ code: "REPOSITORY_CLOSED" });
  await expect(repository.writeSession()).rejects.toMatchObject({ code: "REPOSITORY_CLOSED" });
  await expect(repository.manifests.find({})).rejects.toMatchObject({ code: "REPOSITORY_CLOSED" });
});
