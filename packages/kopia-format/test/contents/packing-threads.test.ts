import { expect, test } from "vitest";
import type { BlobStorage } from "../../src/blob/storage.ts";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import { AttachedThreads } from "../../src/content/attached-threads.ts";
import { ClaimTable } from "../../src/content/claim-table.ts";
import { ContentCodec } from "../../src/content/content-codec.ts";
import type { ContentWriteSession } from "../../src/content/content-write-session.ts";
import { CommittedIndex } from "../../src/content/index/committed-index.ts";
import type { IndexLoader } from "../../src/content/index-loader.ts";
import { PackBuffer } from "../../src/content/pack/pack-writer.ts";
import type {
  PackingGrant,
  PackingThreads,
  SharedContentView,
} from "../../src/content/packing-threads.ts";
import { sessionIdOfBlob } from "../../src/content/session.ts";
import { ThreadContentWriter } from "../../src/content/thread-content-writer.ts";
import { createEncryptor } from "../../src/encryption/registry.ts";
import { createHashFunction } from "../../src/hashing/registry.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { FaultyStorage } from "../../src/testing/faulty-storage.ts";
import { seededRandom } from "../../src/testing/seeded.ts";
import { blobIds, data, openContents, seconds, testFormat } from "./contents.ts";

const MAX_PACK_BYTES = 100_000;
const content = { maxPackSizeBytes: MAX_PACK_BYTES };

/** The threads of a session, all in this one. */
class LocalThreads implements PackingThreads {
  readonly writers: ThreadContentWriter[] = [];
  viewCount = 0;

  async handOver(next: PackingGrant | undefined) {
    return Promise.all(this.writers.map((writer) => writer.handOver(next)));
  }

  updateView(view: SharedContentView): void {
    this.viewCount++;
    for (const writer of this.writers) writer.updateView(view);
  }
}

let nextSeed = 1000;

async function threadWriter(
  storage: BlobStorage,
  clock: FakeClock,
  grant: PackingGrant,
): Promise<ThreadContentWriter> {
  const format = testFormat(content).content;
  const random = seededRandom(nextSeed++);
  const hash = await createHashFunction(format.hash, format.secret);
  const encryptor = createEncryptor(format.encryption, format.masterKey, { random });
  return new ThreadContentWriter(
    {
      unitContext: {
        storage,
        crypto: { hash, encryptor },
        clock,
        random,
        client: { username: "u", hostname: "h" },
        indexVersion: format.indexVersion,
        keyLength: 1 + hash.sizeBytes,
        formatCopy: new Uint8Array(0),
        buffers: { p: new PackBuffer(2 ** 12), q: new PackBuffer(2 ** 12) },
      },
      codec: new ContentCodec(encryptor, format, {}),
      maxPackSizeBytes: MAX_PACK_BYTES,
      formatVersion: format.version,
      overheadBytes: encryptor.overheadBytes,
      maxPacksInFlight: 1,
    },
    grant,
  );
}

/** A session with two threads attached. */
async function bench(
  inner = new MemoryStorage(),
  options: { readonly reloadAfterMs?: number } = {},
) {
  const clock = new FakeClock();
  const storage = new FaultyStorage(inner);
  const contents = await openContents(inner, { clock, content, ...options });
  const session = await contents.openWriteSession();
  const threads = new LocalThreads();
  const grant = await session.attachThreads(threads);
  for (let i = 0; i < 2; i++) threads.writers.push(await threadWriter(storage, clock, grant));
  const [first, second] = threads.writers as [ThreadContentWriter, ThreadContentWriter];
  return { inner, storage, clock, contents, session, threads, grant, first, second };
}

/** Lengths of what another client reads. */
async function readAll(storage: BlobStorage, ids: readonly string[]): Promise<Uint8Array[]> {
  const contents = await openContents(storage, { content });
  return Promise.all(ids.map((id) => contents.getContent(id)));
}

const code = (name: string) => expect.objectContaining({ code: name });

test("what threads write is stored once, and visible after the session's flush under one session ID", async () => {
  const { inner, session, first, second } = await bench();
  const bytes = Array.from({ length: 12 }, (_, i) => data(i, 30_000));
  const ids = bytes.map((piece) => first.writeContent(piece));
  expect(bytes.map((piece) => second.writeContent(piece))).toEqual(ids);
  expect(bytes.map((piece) => first.writeContent(piece))).toEqual(ids);
  expect(bytes.map((piece) => session.writeContent(piece))).toEqual(ids);
  expect(first.packedBytes).toBe(12 * 30_028);
  expect(second.packedBytes).toBe(0);
  await first.settle();
  await session.flush();
  expect(session.stats()).toMatchObject({
    writtenCount: 12,
    writtenBytes: 360_000,
    packedBytes: 12 * 30_028,
    deduplicatedCount: 36,
    deduplicatedBytes: 3 * 360_000,
    packCount: 3,
    indexBlobCount: 1,
  });
  expect(first.packedBytes).toBe(0);
  expect(await readAll(inner, ids)).toEqual(bytes);
  const sessions = (await blobIds(inner, "p")).map(sessionIdOfBlob);
  expect(new Set(sessions).size).toBe(1);
  const later = second.writeContent(data(99));
  expect(second.writeContent(data(3, 30_000))).toBe(ids[3]);
  await session.detachThreads();
  await session.flush();
  expect(session.stats()).toMatchObject({ writtenCount: 13, packCount: 4, deduplicatedCount: 37 });
  expect(await readAll(inner, [later])).toEqual([data(99)]);
  expect(new Set((await blobIds(inner, "p")).map(sessionIdOfBlob)).size).toBe(2);
  expect(await blobIds(inner, "s")).toEqual([]);
});

test("claims are about data alone: a content with a letter is stored by each thread that meets it", async () => {
  const { inner, session, first, second } = await bench();
  const plain = first.writeContent(data(1));
  const lettered = second.writeContent(data(1), { prefix: "k" });
  expect(lettered).toBe(`k${plain}`);
  expect(first.writeContent(data(1), { prefix: "k" })).toBe(lettered);
  expect(first.writeContent(data(1), { prefix: "k" })).toBe(lettered);
  await session.detachThreads();
  expect(session.stats()).toMatchObject({ writtenCount: 3, deduplicatedCount: 1 });
  await session.flush();
  expect(await readAll(inner, [plain, lettered])).toEqual([data(1), data(1)]);
});

test("a given hash is believed, and many are made at once where that saves time", async () => {
  const { first } = await bench();
  const pieces = [data(1, 70), data(2, 70)];
  const hash = new Uint8Array(16).fill(0xab);
  expect(first.writeContent(pieces[0] as Uint8Array, { hash })).toBe("ab".repeat(16));
  const hashes = first.hashContents(pieces);
  const ids = pieces.map((piece) => first.writeContent(piece));
  expect(hashes?.map((bytes) => Buffer.from(bytes).toString("hex")) ?? ids).toEqual(ids);
});

test("the index says what is stored while it is fresh; an old one is not trusted", async () => {
  const { inner, clock, session, first, second } = await bench();
  const id = first.writeContent(data(1));
  await session.flush();
  expect(second.writeContent(data(1))).toBe(id);
  expect(second.packedBytes).toBe(0);
  const [entry] = [...(await openContents(inner, { content })).contents()];
  clock.advance(seconds(16 * 60));
  expect(second.writeContent(data(1))).toBe(id);
  expect(second.packedBytes).toBe(1028);
  await session.flush();
  const [again, ...others] = [...(await openContents(inner, { content })).contents()];
  expect(others).toEqual([]);
  expect(again?.timestampSeconds).toBe((entry?.timestampSeconds ?? 0) + 16 * 60);
  expect(await readAll(inner, [id])).toEqual([data(1)]);
});

test("maintenance trusts its index whatever its age", async () => {
  const { clock, session, first } = await bench(undefined, { reloadAfterMs: Infinity });
  first.writeContent(data(1));
  await session.flush();
  clock.advance(seconds(86_400));
  first.writeContent(data(1));
  expect(first.packedBytes).toBe(0);
});

test("a deleted content is written again, later than its deletion", async () => {
  const { inner, session, first } = await bench();
  const id = first.writeContent(data(1));
  await session.flush();
  session.deleteContent(id);
  await session.flush();
  const deleted = (await openContents(inner, { content })).getContentInfo(id);
  expect(deleted?.deleted).toBe(true);
  expect(first.writeContent(data(1))).toBe(id);
  await session.flush();
  const back = (await openContents(inner, { content })).getContentInfo(id);
  expect(back).toMatchObject({
    deleted: false,
    timestampSeconds: (deleted?.timestampSeconds ?? 0) + 1,
  });
});

test("an index that was loaded again is given to the threads", async () => {
  const { inner, clock, session, threads, first } = await bench();
  const other = await (await openContents(inner, { clock, content })).openWriteSession();
  other.writeContent(data(5));
  await other.flush();
  await session.settle();
  expect(threads.viewCount).toBe(0);
  clock.advance(seconds(11 * 60));
  await session.settle();
  expect(threads.viewCount).toBeGreaterThan(0);
  first.writeContent(data(5));
  expect(first.packedBytes).toBe(0);
});

test("what is refused leaves the thread usable", async () => {
  const { session, first } = await bench();
  expect(() => first.writeContent(new Uint8Array(2 ** 28 - 28))).toThrow(code("CONTENT_TOO_LARGE"));
  expect(() => first.writeContent(data(1), { compressionHeaderId: 0x7777 })).toThrow(
    code("ALGORITHM_UNKNOWN"),
  );
  first.writeContent(data(1));
  await session.flush();
});

test("without a further grant a thread writes no more", async () => {
  const { session, first } = await bench();
  await session.detachThreads();
  expect(() => first.writeContent(data(1))).toThrow(code("REPOSITORY_CLOSED"));
  await expect(first.settle()).rejects.toEqual(code("REPOSITORY_CLOSED"));
  await first.abort();
});

test("a pack that cannot be stored breaks thread and session: nothing of it becomes visible", async () => {
  const { inner, storage, session, first } = await bench();
  storage.addFault({ kind: "fail", operations: ["put"], idPrefix: "p" });
  const id = first.writeContent(data(1));
  await expect(session.flush()).rejects.toEqual(code("STORAGE_UNAVAILABLE"));
  expect(() => first.writeContent(data(2))).toThrow(code("SESSION_BROKEN"));
  expect(() => session.writeContent(data(2))).toThrow(code("SESSION_BROKEN"));
  await expect(first.handOver(undefined)).rejects.toEqual(code("SESSION_BROKEN"));
  expect((await openContents(inner, { content })).getContentInfo(id)).toBeUndefined();
});

test("a thread whose pack failed before hands nothing over", async () => {
  const { storage, first, grant } = await bench();
  storage.addFault({ kind: "fail", operations: ["put"], idPrefix: "p" });
  for (let i = 0; i < 4; i++) first.writeContent(data(i, 30_000));
  await expect(first.handOver(grant)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  await first.abort();
});

test("what breaks a thread while it hands over is not handed over", async () => {
  const { first, grant } = await bench();
  first.writeContent(data(1));
  const handedOver = first.handOver(grant);
  expect(() => first.writeContent(data(2), { hash: new Uint8Array(15) })).toThrow();
  await expect(handedOver).rejects.toEqual(code("SESSION_BROKEN"));
});

test("a failure while a content is packed breaks the thread: others rely on what it claimed", async () => {
  const { session, first, second } = await bench();
  expect(() => first.writeContent(data(1), { hash: new Uint8Array(15) })).toThrow();
  expect(() => first.writeContent(data(2))).toThrow(code("SESSION_BROKEN"));
  expect(second.writeContent(data(2))).toHaveLength(32);
  await expect(session.detachThreads()).rejects.toEqual(code("SESSION_BROKEN"));
});

test("crowded claims move to a larger table, which knows them all", () => {
  const threads = new LocalThreads();
  const views: SharedContentView[] = [];
  threads.updateView = (view) => views.push(view);
  const clock = new FakeClock();
  const attached = new AttachedThreads({
    threads,
    loader: { index: new CommittedIndex(), ageMs: () => 0 } as unknown as IndexLoader,
    clock,
    maxTrustedAgeMs: 900_000,
    hashBytes: 16,
  });
  const hash = (number: number): Uint8Array => {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setUint32(0, number, true);
    return bytes;
  };
  for (let i = 0; i < 2 ** 17 - 1; i++) attached.claim(hash(i));
  attached.refresh();
  expect(views).toEqual([]);
  expect(attached.claim(hash(2 ** 17 - 1))).toBe(true);
  attached.refresh();
  expect(attached.claimCount).toBe(2 ** 17);
  const table = ClaimTable.fromParts((views[0] as SharedContentView).claims);
  expect(table.isCrowded).toBe(false);
  for (const number of [0, 1, 77_777, 2 ** 17 - 1]) expect(table.claim(hash(number))).toBe(false);
  expect(attached.claim(hash(5))).toBe(false);
  expect(attached.claim(hash(2 ** 17))).toBe(true);
});

test("a session that failed attaches no threads", async () => {
  const { session } = await bench();
  session.failThreads(new Error("gone"));
  const attach = (which: ContentWriteSession) => which.attachThreads(new LocalThreads());
  await expect(attach(session)).rejects.toEqual(code("SESSION_BROKEN"));
});
