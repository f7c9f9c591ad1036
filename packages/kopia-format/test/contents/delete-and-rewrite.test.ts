import { describe, expect, test } from "vitest";
import { toUnixSeconds } from "../../src/base/clock.ts";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import type { ContentEntry } from "../../src/content/content-entry.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { blobIds, data, openContents, seconds } from "./contents.ts";

const ids = (entries: Iterable<ContentEntry>) => [...entries].map(({ contentId }) => contentId);

/** One flushed content, and a session to go on with. */
async function oneContent() {
  const storage = new MemoryStorage();
  const clock = new FakeClock();
  const contents = await openContents(storage, { clock });
  const session = await contents.openWriteSession();
  const id = session.writeContent(data(1));
  await session.flush();
  const entry = contents.getContentInfo(id)!;
  return { storage, clock, contents, session, id, entry };
}

describe("delete", () => {
  test("a deleted content is out of sight but readable, and points where it was", async () => {
    const { storage, contents, session, id, entry } = await oneContent();
    session.deleteContent(id);
    expect(ids(session.contents())).toEqual([]);
    await session.flush();
    expect(ids(contents.contents())).toEqual([]);
    expect([...contents.contents({ includeDeleted: true })]).toEqual([
      { ...entry, deleted: true, timestampSeconds: entry.timestampSeconds + 1 },
    ]);
    expect(await contents.getContent(id)).toEqual(data(1));
    expect((await blobIds(storage, "p")).length).toBe(1);
    expect(await blobIds(storage, "s")).toEqual([]);
  });

  test("the time of deletion is now when that is later", async () => {
    const { clock, contents, session, id } = await oneContent();
    clock.advance(seconds(100));
    session.deleteContent(id);
    await session.flush();
    expect(contents.getContentInfo(id)!.timestampSeconds).toBe(toUnixSeconds(clock.now()));
  });

  test("deleting again changes nothing, deleting what is not there is an error", async () => {
    const { contents, session, id } = await oneContent();
    session.deleteContent(id);
    await session.flush();
    const before = contents.getContentInfo(id);
    session.deleteContent(id);
    expect(session.hasPending).toBe(false);
    expect(contents.getContentInfo(id)).toEqual(before);
    const missing = expect.objectContaining({ code: "CONTENT_NOT_FOUND" });
    expect(() => session.deleteContent("00".repeat(16))).toThrow(missing);
    session.writeContent(data(2));
  });

  test("a pending content is simply forgotten; an emptied pack is never stored", async () => {
    const storage = new MemoryStorage();
    const session = await (await openContents(storage)).openWriteSession();
    const id = session.writeContent(data(1));
    session.deleteContent(id);
    expect(session.getContentInfo(id)).toBeUndefined();
    await session.flush();
    await session.close();
    expect(await blobIds(storage)).toEqual([]);
  });

  test("a content that was rewritten and then deleted in one session ends deleted", async () => {
    const { contents, session, id, entry } = await oneContent();
    await session.rewriteContent(id);
    session.deleteContent(id);
    await session.flush();
    expect(contents.getContentInfo(id)).toMatchObject({
      deleted: true,
      packBlobId: entry.packBlobId,
    });
  });

  test("written, stored in a pack, deleted before the flush: ends deleted in one index", async () => {
    const storage = new MemoryStorage();
    const contents = await openContents(storage, { content: { maxPackSizeBytes: 1000 } });
    const session = await contents.openWriteSession();
    const id = session.writeContent(data(1));
    session.deleteContent(id);
    session.writeContent(data(2));
    await session.flush();
    expect(contents.getContentInfo(id)?.deleted).toBe(true);
    expect((await blobIds(storage, "xn")).length).toBe(1);
  });
});

describe("writing what was deleted", () => {
  test("it is stored again, later than the deletion", async () => {
    const { contents, session, id, entry } = await oneContent();
    session.deleteContent(id);
    await session.flush();
    session.writeContent(data(1));
    await session.flush();
    const again = contents.getContentInfo(id)!;
    expect(again).toMatchObject({ deleted: false, timestampSeconds: entry.timestampSeconds + 2 });
    expect(again.packBlobId).not.toBe(entry.packBlobId);
  });

  test("also when the deletion is still pending, and with a clock that went back", async () => {
    const { clock, contents, session, id, entry } = await oneContent();
    clock.advance(-seconds(1000));
    session.deleteContent(id);
    session.writeContent(data(1));
    await session.flush();
    expect(contents.getContentInfo(id)).toMatchObject({
      deleted: false,
      timestampSeconds: entry.timestampSeconds + 2,
    });
  });

  test("what the watermark hides is written again, later than the watermark", async () => {
    const { storage, clock, session, id, entry } = await oneContent();
    session.deleteContent(id);
    await session.flush();
    const watermark = entry.timestampSeconds + 500;
    await storage.put(`xw${watermark}`, new TextEncoder().encode("deletion-watermark"));
    const contents = await openContents(storage, { clock });
    expect(contents.watermarkSeconds).toBe(watermark);
    expect(contents.getContentInfo(id)).toBeUndefined();
    const next = await contents.openWriteSession();
    next.writeContent(data(1));
    await next.flush();
    expect(contents.getContentInfo(id)).toMatchObject({
      deleted: false,
      timestampSeconds: watermark + 1,
    });
  });
});

describe("undelete and rewrite", () => {
  test("undelete brings a content back in a new pack, compressed as before", async () => {
    const storage = new MemoryStorage();
    const contents = await openContents(storage);
    const session = await contents.openWriteSession();
    const bytes = new Uint8Array(5000).fill(65);
    const id = session.writeContent(bytes, { compressionHeaderId: 0x1101, prefix: "k" });
    await session.flush();
    const before = contents.getContentInfo(id)!;
    await session.undeleteContent(id);
    expect(session.hasPending).toBe(false);
    session.deleteContent(id);
    await session.undeleteContent(id);
    await session.flush();
    const after = contents.getContentInfo(id)!;
    expect(after).toEqual({
      ...before,
      packBlobId: after.packBlobId,
      packOffset: after.packOffset,
      timestampSeconds: before.timestampSeconds + 2,
    });
    expect(after.packBlobId).not.toBe(before.packBlobId);
    await storage.delete(before.packBlobId);
    expect(await contents.getContent(id)).toEqual(bytes);
  });

  test.each([false, true])("rewrite keeps a content as it is (deleted: %s)", async (deleted) => {
    const { contents, session, id, entry } = await oneContent();
    if (deleted) session.deleteContent(id);
    await session.rewriteContent(id);
    await session.flush();
    const after = contents.getContentInfo(id)!;
    expect(after.deleted).toBe(deleted);
    expect(after.packBlobId).not.toBe(entry.packBlobId);
    expect(after.timestampSeconds).toBe(entry.timestampSeconds + (deleted ? 2 : 1));
    expect(await contents.getContent(id)).toEqual(data(1));
  });

  test("what another client did meanwhile wins over a rewrite that ends later", async () => {
    const { storage, clock, session, id } = await oneContent();
    const restored = session.writeContent(data(2));
    await session.flush();
    session.deleteContent(restored);
    await session.flush();
    clock.advance(seconds(7200));
    const mover = await (await openContents(storage, { clock })).openWriteSession();
    await mover.rewriteContent(id);
    await mover.rewriteContent(restored);
    clock.advance(seconds(60));
    session.deleteContent(id);
    session.writeContent(data(2));
    await session.flush();
    clock.advance(seconds(60));
    await mover.flush();
    const contents = await openContents(storage, { clock });
    expect(contents.getContentInfo(id)?.deleted).toBe(true);
    expect(contents.getContentInfo(restored)?.deleted).toBe(false);
  });

  test("a content that cannot be read is an error and leaves the session usable", async () => {
    const { storage, session, id, entry } = await oneContent();
    await storage.delete(entry.packBlobId);
    const gone = expect.objectContaining({ code: "BLOB_NOT_FOUND" });
    await expect(session.rewriteContent(id)).rejects.toThrow(gone);
    session.writeContent(data(2));
    await session.flush();
  });
});

describe("listing within a session", () => {
  test("pending entries take the place of stored ones, in order of ID", async () => {
    const contents = await openContents(new MemoryStorage());
    const session = await contents.openWriteSession();
    const all = Array.from({ length: 40 }, (_, i) =>
      session.writeContent(data(i), { prefix: ["", "k", "m"][i % 3]! }),
    );
    await session.flush();
    for (let i = 40; i < 60; i++) all.push(session.writeContent(data(i), { prefix: "m" }));
    const deleted = all.filter((_, i) => i % 7 === 0);
    for (const id of deleted) session.deleteContent(id);
    const live = all.filter((id) => !deleted.includes(id)).sort();
    expect(ids(session.contents())).toEqual(live);
    const manifests = { start: "m", end: "n" };
    const liveManifests = live.filter((id) => id.startsWith("m"));
    expect(ids(session.contents({ range: manifests }))).toEqual(liveManifests);
    await session.flush();
    expect(ids(contents.contents())).toEqual(live);
    expect(ids(contents.contents({ range: manifests }))).toEqual(liveManifests);
  });

  test("a listing goes on while the index changes under it", async () => {
    const contents = await openContents(new MemoryStorage());
    const session = await contents.openWriteSession();
    for (let i = 0; i < 3000; i++) session.writeContent(data(i, 10));
    await session.flush();
    const seen: string[] = [];
    for (const { contentId } of contents.contents()) {
      seen.push(contentId);
      if (seen.length !== 100) continue;
      session.writeContent(data(5000));
      await session.flush();
      await contents.refresh();
    }
    expect(seen).toEqual([...new Set(seen)].sort());
    expect(seen.length).toBeGreaterThanOrEqual(3000);
  });
});

test("a session that forgets what it flushed leaves the index as it was until that is loaded again", async () => {
  const { contents, id, entry } = await oneContent();
  const session = await contents.openWriteSession({ forgetsFlushed: true });
  await session.rewriteContent(id);
  await session.flush();
  expect(contents.getContentInfo(id)).toEqual(entry);
  expect(await session.getContent(id)).toEqual(data(1));
  await contents.refresh();
  const moved = contents.getContentInfo(id)!;
  expect(moved.packBlobId).not.toBe(entry.packBlobId);
  expect(await contents.getContent(id)).toEqual(data(1));
});
