import { expect, test } from "vitest";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import type { BlobStorage } from "../../src/blob/storage.ts";
import { sessionIdOfBlob } from "../../src/content/session.ts";
import { verifyContents } from "../../src/content/verify-contents.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { seededRandom } from "../../src/testing/seeded.ts";
import { blobIds, data, openContents, seconds } from "./contents.ts";
import { DyingStorage, type Death } from "./dying-storage.ts";

const content = { maxPackSizeBytes: 4500 };
const EARLIER = 10;

/** Every kind of write, over three flushes, one of them by itself. */
async function liveThrough(storage: BlobStorage): Promise<void> {
  const clock = new FakeClock();
  const contents = await openContents(storage, { content, clock, seed: 4711 });
  const session = await contents.openWriteSession();
  const write = (i: number): string =>
    session.writeContent(data(i, 1500), { prefix: i % 3 === 0 ? "k" : "" });
  for (let i = 0; i < 20; i++) write(i);
  await session.settle();
  session.deleteContent(write(3));
  await session.flush();
  for (let i = 20; i < 30; i++) write(i);
  clock.advance(seconds(700));
  await session.settle();
  await session.undeleteContent(write(3));
  await session.rewriteContent(write(25));
  for (let i = 30; i < 40; i++) write(i);
  await session.flush();
  await session.close();
}

async function withEarlierContents(): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  const session = await (await openContents(storage, { content })).openWriteSession();
  for (let i = 0; i < EARLIER; i++) session.writeContent(data(i, 1500));
  await session.flush();
  return storage;
}

async function countOperations(): Promise<number> {
  const storage = new DyingStorage(await withEarlierContents());
  await liveThrough(storage);
  return storage.operations.length;
}

/** What must hold whenever a process has died. */
async function expectSound(storage: MemoryStorage): Promise<void> {
  const contents = await openContents(storage, { content });
  const verified = await verifyContents(contents, storage, {
    random: seededRandom(1),
    readPercent: 100,
    includeDeleted: true,
  });
  expect(verified.errorCount).toBe(0);
  expect(verified.contentCount).toBeGreaterThanOrEqual(EARLIER);
  const indexed = new Set((await blobIds(storage, "xn")).map(sessionIdOfBlob));
  const marked = new Set((await blobIds(storage, "s")).map(sessionIdOfBlob));
  for (const pack of [...(await blobIds(storage, "p")), ...(await blobIds(storage, "q"))]) {
    const session = sessionIdOfBlob(pack);
    expect(indexed.has(session) || marked.has(session), `${pack} is unprotected`).toBe(true);
  }
}

/** The next session finds what was indexed, writes the rest, and everything is there. */
async function expectNextSessionWorks(storage: MemoryStorage): Promise<void> {
  const contents = await openContents(storage, { content });
  const indexed = new Set([...contents.contents()].map(({ contentId }) => contentId));
  const session = await contents.openWriteSession();
  const all = Array.from({ length: 40 }, (_, i) =>
    session.writeContent(data(i, 1500), { prefix: i % 3 === 0 ? "k" : "" }),
  );
  const reused = all.filter((id) => indexed.has(id)).length;
  expect(session.stats()).toMatchObject({ deduplicatedCount: reused, writtenCount: 40 - reused });
  await session.flush();
  const after = await openContents(storage, { content });
  for (const [i, id] of all.entries()) expect(await after.getContent(id)).toEqual(data(i, 1500));
}

test(
  "dying at any storage operation loses nothing that was flushed",
  { timeout: 120_000 },
  async () => {
    const operations = await countOperations();
    expect(operations).toBeGreaterThan(60);
    for (let atOperation = 1; atOperation <= operations; atOperation++) {
      for (const effect of ["before", "after"] as const) {
        const death: Death = { atOperation, effect };
        const inner = await withEarlierContents();
        const storage = new DyingStorage(inner, death);
        const outcome = await liveThrough(storage).then(
          () => "survived",
          (error: unknown) => error,
        );
        // Only the removal of the last marker may fail unnoticed.
        if (outcome === "survived") {
          expect(storage.operations[atOperation - 1]).toMatch(/^delete s/);
        } else {
          expect(outcome).toMatchObject({
            code: expect.stringMatching(/^(STORAGE_UNAVAILABLE|SESSION_BROKEN)$/),
          });
        }
        await expectSound(inner);
        await expectNextSessionWorks(inner);
      }
    }
  },
);

test("two sessions at once on one storage: both are whole, and agree on common contents", async () => {
  const storage = new MemoryStorage();
  const clocks = [new FakeClock(), new FakeClock()];
  clocks[1]!.advance(seconds(90));
  const managers = await Promise.all(
    clocks.map((clock) => openContents(storage, { content, clock })),
  );
  const sessions = await Promise.all(managers.map((contents) => contents.openWriteSession()));
  const ids = new Set<string>();
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 10; i++) {
      for (const [who, session] of sessions.entries()) {
        ids.add(session.writeContent(data(1000 * round + i, 1200)));
        ids.add(session.writeContent(data(100_000 * (who + 1) + 1000 * round + i, 1200)));
      }
    }
    await Promise.all(
      sessions.map((session) => (round % 2 === 0 ? session.settle() : session.flush())),
    );
  }
  await Promise.all(sessions.map((session) => session.flush()));
  await expectSoundAndEqual(storage, ids);
  await Promise.all(managers.map((contents) => contents.refresh()));
  const [one, other] = managers.map((contents) => Array.from(contents.contents()));
  expect(one).toEqual(other);
  for (const session of sessions) {
    const before = session.stats().writtenCount;
    for (let i = 0; i < 10; i++) session.writeContent(data(i, 1200));
    expect(session.stats().writtenCount).toBe(before);
  }
  expect(await blobIds(storage, "s")).toEqual([]);
});

test("two sessions of one content manager share what they flush", async () => {
  const storage = new MemoryStorage();
  const contents = await openContents(storage, { content });
  const [one, other] = [await contents.openWriteSession(), await contents.openWriteSession()];
  one.writeContent(data(1));
  await one.flush();
  other.writeContent(data(1));
  expect(other.stats().deduplicatedCount).toBe(1);
  const id = other.writeContent(data(2));
  await other.flush();
  one.deleteContent(id);
  await one.flush();
  expect(other.getContentInfo(id)?.deleted).toBe(true);
});

async function expectSoundAndEqual(
  storage: MemoryStorage,
  ids: ReadonlySet<string>,
): Promise<void> {
  const contents = await openContents(storage, { content });
  expect(new Set([...contents.contents()].map(({ contentId }) => contentId))).toEqual(ids);
  const verified = await verifyContents(contents, storage, {
    random: seededRandom(1),
    readPercent: 100,
  });
  expect(verified).toMatchObject({ errorCount: 0, readCount: ids.size });
}
