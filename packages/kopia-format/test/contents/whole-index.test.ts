import { expect, test } from "vitest";
import { NS_PER_MS } from "../../src/base/clock.ts";
import { goStringify } from "../../src/base/go-json.ts";
import { toHex, utf8Encode } from "../../src/base/bytes.ts";
import { KopiaError } from "../../src/base/errors.ts";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import { ContentCodec } from "../../src/content/content-codec.ts";
import { compareContentIds } from "../../src/content/content-id.ts";
import { buildIndex } from "../../src/content/index/build-index.ts";
import { CommittedIndex } from "../../src/content/index/committed-index.ts";
import { ContentPlaces } from "../../src/content/index/content-places.ts";
import { ContentEntryTable } from "../../src/content/index/entry-table.ts";
import { openIndex } from "../../src/content/index/open-index.ts";
import { decryptBlob, encryptBlob } from "../../src/content/index-blob/blob-crypto.ts";
import { IndexLoader } from "../../src/content/index-loader.ts";
import { decodeSessionMarker, listSessionMarkers } from "../../src/content/session.ts";
import { verifyContents } from "../../src/content/verify-contents.ts";
import { createEncryptor } from "../../src/encryption/registry.ts";
import { createHashFunction } from "../../src/hashing/registry.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { seededRandom } from "../../src/testing/seeded.ts";
import { entryOf, epochBench, flush } from "../indexes/epochs.ts";
import { blobIds, data, decryptingBy, openContents, seconds, testFormat } from "./contents.ts";

const code = (name: string) => expect.objectContaining({ code: name });

async function testCrypto() {
  const { hash, secret, encryption, masterKey } = testFormat().content;
  return {
    hash: await createHashFunction(hash, secret),
    encryptor: createEncryptor(encryption, masterKey),
  };
}

test("more contents than one step of an iteration takes are yielded once each, in order", async () => {
  const storage = new MemoryStorage();
  const contents = await openContents(storage);
  const session = await contents.openWriteSession();
  for (let i = 0; i < 8192; i++) session.writeContent(Uint8Array.of(i & 255, i >> 8));
  await session.flush();
  const ids = (): string[] => [...contents.contents()].map(({ contentId }) => contentId);
  expect(ids().length).toBe(8192);
  for (let i = 0; i < 2000; i++) session.writeContent(Uint8Array.of(i & 255, i >> 8, 1));
  await session.flush();
  const all = ids();
  expect(all.length).toBe(10_192);
  expect(all).toEqual([...new Set(all)].sort());
  const progress: number[] = [];
  const result = await verifyContents(contents, storage, {
    random: seededRandom(1),
    readPercent: 100,
    onProgress: ({ contentCount }) => progress.push(contentCount),
  });
  expect(result).toMatchObject({ contentCount: 10_192, readCount: 10_192, errorCount: 0 });
  expect(progress).toEqual([...Array.from({ length: 10 }, (_, i) => 1000 * (i + 1)), 10_192]);
});

test("manifests of a session are found again, few or many", async () => {
  const contents = await openContents(new MemoryStorage());
  const session = await contents.openWriteSession();
  const range = { start: "m", end: "n" };
  const ids = new Set<string>();
  for (let i = 0; i < 4100; i++) {
    ids.add(session.writeContent(Uint8Array.of(i & 255, i >> 8), { prefix: "m" }));
    if (i === 2) expect([...session.contents({ range })]).toHaveLength(3);
  }
  session.writeContent(data(1));
  const found = [...session.contents({ range })].map(({ contentId }) => contentId);
  expect(found).toEqual([...ids].sort());
  const [first, second] = found as [string, string];
  const between = { start: `${first}0`, end: `${second}0` };
  expect([...session.contents({ range: between })].map(({ contentId }) => contentId)).toEqual([
    second,
  ]);
  const few = await (await openContents(new MemoryStorage())).openWriteSession();
  few.writeContent(data(1), { prefix: "m" });
  expect([...few.contents({ range: { start: "m0", end: "m0" } })]).toEqual([]);
});

test("marks are of the index as it was", async () => {
  const storage = new MemoryStorage();
  const contents = await openContents(storage);
  const session = await contents.openWriteSession();
  const id = session.writeContent(data(1));
  await session.flush();
  const marks = contents.createMarks();
  const strange = "ee".repeat(16);
  expect([marks.has(id), marks.mark(id), marks.mark(id), marks.has(id)]).toEqual([
    false,
    "new",
    "known",
    true,
  ]);
  expect([marks.mark(strange), marks.has(strange), marks.size]).toEqual(["absent", false, 1]);
  session.writeContent(data(2));
  await session.flush();
  expect(() => marks.has(id)).toThrow(code("EPOCH_EXPIRED"));
});

test("two that bring back one content at once store it once", async () => {
  const contents = await openContents(new MemoryStorage());
  const session = await contents.openWriteSession();
  const id = session.writeContent(data(1));
  await session.flush();
  session.deleteContent(id);
  await session.flush();
  await Promise.all([session.undeleteContent(id), session.undeleteContent(id)]);
  expect(session.stats().writtenCount).toBe(2);
  await session.undeleteContent(id);
  expect(session.stats().writtenCount).toBe(2);
  expect(session.getContentInfo(id)?.deleted).toBe(false);
});

test("without threads there is nothing to detach", async () => {
  const contents = await openContents(new MemoryStorage());
  const session = await contents.openWriteSession();
  await session.detachThreads();
  session.writeContent(data(1));
  await session.flush();
  expect(session.stats()).toMatchObject({ writtenCount: 1, packCount: 1 });
});

test("an index that was never loaded is infinitely old; who holds it may let go twice", async () => {
  const bench = await epochBench();
  const { manager } = bench.client();
  const loader = new IndexLoader(manager, { clock: bench.clock });
  expect(loader.ageMs(bench.clock.now())).toBe(Infinity);
  await flush(manager, entryOf(1));
  const release = loader.hold();
  await loader.loadIfOlder(0);
  expect(loader.ageMs(bench.clock.now())).toBe(Infinity);
  release();
  release();
  await loader.loadIfOlder(0);
  expect(loader.index.has(entryOf(1).contentId)).toBe(1);
  bench.clock.advance(5n * NS_PER_MS);
  expect(loader.ageMs(bench.clock.now())).toBe(5);
  loader.hold();
  await loader.loadIfOlder(0);
  expect(loader.ageMs(bench.clock.now())).toBe(5);
});

test("own index blobs stay in sight when they are stored while a listing is under way", async () => {
  const bench = await epochBench();
  const { manager } = bench.client();
  const loader = new IndexLoader(manager, { clock: bench.clock });
  const listed = await manager.listActive();
  manager.listActive = async () => {
    const blob = await flush(bench.client().manager, entryOf(1));
    loader.addOwn([blob], [buildIndex([entryOf(1)], { version: 2 })]);
    return listed;
  };
  await Promise.all([loader.load(), loader.load()]);
  expect(loader.index.has(entryOf(1).contentId)).toBe(1);
  expect(loader.blobs().length).toBeGreaterThan(0);
});

test("a first index that appears between two listings is no lost index", async () => {
  const storage = new MemoryStorage();
  const contents = await openContents(storage);
  const other = await (await openContents(storage)).openWriteSession();
  const id = other.writeContent(data(1));
  await other.flush();
  await contents.assertIndexPresent();
  expect(contents.getContentInfo(id)).toBeDefined();
});

test("a batch hides no fault of the program as bad data", async () => {
  const storage = new MemoryStorage();
  const session = await (await openContents(storage)).openWriteSession();
  const id = session.writeContent(data(1));
  await session.flush();
  const contents = await openContents(storage);
  storage.get = () => Promise.reject(new TypeError("a fault"));
  const read = async (): Promise<void> => {
    for await (const result of contents.getContents([id])) expect(result).toBeUndefined();
  };
  await expect(read()).rejects.toThrow(TypeError);
});

test("whatever a cipher fails with, the content is named", async () => {
  const { encryptor } = await testCrypto();
  const fails = new ContentCodec(
    decryptingBy(encryptor, () => {
      throw new RangeError("out of memory");
    }),
    testFormat().content,
    {},
  );
  const named = { code: "CONTENT_CORRUPT", message: expect.stringContaining("out of memory") };
  expect(() => fails.decrypt(entryOf(1), data(1))).toThrow(expect.objectContaining(named));
});

test("a blob whose cipher fails otherwise than by damage is not called damaged", async () => {
  const crypto = await testCrypto();
  const blob = encryptBlob(crypto, { prefix: "n" }, data(1));
  const refusing = {
    hash: crypto.hash,
    encryptor: decryptingBy(crypto.encryptor, () => {
      throw new RangeError("out of memory");
    }),
  };
  expect(() => decryptBlob(refusing, blob)).toThrow(RangeError);
});

test("large contents that shrink little pass through memory that is used again", async () => {
  const contents = await openContents(new MemoryStorage());
  const session = await contents.openWriteSession();
  const pieces = [1, 2].map((seed) => {
    const bytes = data(seed, 3_000_000);
    bytes.fill(7, 0, 500_000);
    return bytes;
  });
  for (const [i, headerId] of [0x1101, 0x1200, 0x1000, 0x1500].entries()) {
    for (const piece of pieces) {
      piece[0] = i;
      const id = session.writeContent(piece, { compressionHeaderId: headerId });
      await session.flush();
      expect(session.getContentInfo(id)?.compressionHeaderId).toBe(headerId);
      expect(await session.getContent(id)).toEqual(piece);
    }
  }
});

test("markers without a name of the writer are read; markers that vanish are left out", async () => {
  const crypto = await testCrypto();
  const time = "2024-01-02T03:04:05Z";
  const document = { id: "s1", startTime: time, checkpointTime: time };
  const blob = encryptBlob(
    crypto,
    { prefix: "s", suffix: "s1" },
    utf8Encode(goStringify(document)),
  );
  expect(decodeSessionMarker(crypto, blob)).toMatchObject({ username: "", hostname: "" });
  const storage = new MemoryStorage();
  await storage.put(blob.id, blob.data);
  expect(await listSessionMarkers(storage, crypto)).toHaveLength(1);
  const get = storage.get.bind(storage);
  storage.get = async (id) => {
    await storage.delete(id);
    return get(id);
  };
  expect(await listSessionMarkers(storage, crypto)).toEqual([]);
  await storage.put(blob.id, blob.data);
  storage.get = () => Promise.reject(new KopiaError("STORAGE_UNAVAILABLE", "offline"));
  await expect(listSessionMarkers(storage, crypto)).rejects.toEqual(code("STORAGE_UNAVAILABLE"));
});

test("what the watermark hides has no place; places are of one key length", () => {
  const index = new CommittedIndex();
  const entries = [entryOf(1), entryOf(2, { deleted: true })];
  index.add([{ blobId: "a", bytes: buildIndex(entries, { version: 2 }) }]);
  const places = new ContentPlaces();
  const located = entries.map(({ contentId }) => index.locate(contentId, places));
  expect([located, places.count]).toEqual([[true, true], 2]);
  index.watermarkSeconds = 1000;
  expect(entries.map(({ contentId }) => index.locate(contentId, places))).toEqual([true, false]);
  expect(index.locate(entryOf(3).contentId, places)).toBe(false);
  expect(places.parts()).toMatchObject({ count: 3, keyLength: 17 });
  expect(places.parts().packBlobIds).toEqual(entries.map(({ packBlobId }) => packBlobId));
  const longer = buildIndex([entryOf(1, { contentId: "ab".repeat(32) })], { version: 2 });
  expect(() => places.add(openIndex(longer, "b"), 0)).toThrow(RangeError);
  places.clear();
  expect(places.add(openIndex(longer, "b"), 0)).toBe(0);
  for (let i = 1; i < 100; i++) places.add(openIndex(longer, "b"), 0);
  const { keys } = places.parts();
  expect(keys.length).toBe(3300);
  expect(toHex(keys.subarray(99 * 33))).toBe(`00${"ab".repeat(32)}`);
});

test("keys are looked up together, of any length; in shared memory too", () => {
  const index = new CommittedIndex();
  const memory = buildIndex([entryOf(1), entryOf(2)], { version: 2 });
  const shared = new Uint8Array(new SharedArrayBuffer(memory.length));
  shared.set(memory);
  index.add([{ blobId: "a", bytes: shared }]);
  index.share();
  expect(index.lookup(entryOf(2).contentId)).toEqual(entryOf(2));
  const keys = (...numbers: number[]): Uint8Array => {
    const bytes = new Uint8Array(17 * numbers.length);
    for (const [i, number] of numbers.entries()) bytes[17 * i + 16] = number;
    return bytes;
  };
  expect(index.hasKeys(keys(1, 2), 17)).toBe(true);
  expect(index.hasKeys(keys(1, 3), 17)).toBe(false);
  expect(index.hasKeys(new Uint8Array(33), 33)).toBe(false);
  expect(index.hasKeys(new Uint8Array(0), 33)).toBe(true);
  const longer = buildIndex([entryOf(1, { contentId: "ab".repeat(32) })], { version: 2 });
  expect(index.hasStoredAt(openIndex(longer, "b"), 0)).toBe(false);
  expect(index.lookupRecord(entryOf(9).contentId)).toBeUndefined();
});

test.each([1, 2, 3, 4, 7, 8])("hashes of %i bytes are found among others", (hashBytes) => {
  const idOf = (i: number) => i.toString(16).padStart(2, "0").repeat(hashBytes);
  const entries = Array.from({ length: 200 }, (_, i) => entryOf(i, { contentId: idOf(i) }));
  const reader = openIndex(buildIndex(entries, { version: 2 }), "short");
  const index = new CommittedIndex();
  index.add([{ blobId: "short", bytes: reader.bytes }]);
  for (const entry of entries) {
    expect(index.lookup(entry.contentId)).toEqual(entry);
    const found = reader.find(Uint8Array.of(0, ...Buffer.from(entry.contentId, "hex")));
    expect(reader.contentIdAt(found)).toBe(entry.contentId);
  }
  expect(index.lookup(idOf(201))).toBeUndefined();
  expect(reader.find(new Uint8Array(hashBytes + 2))).toBe(-1);
});

test("entries that were taken back do not come along, to other threads or through growing", () => {
  const table = new ContentEntryTable(17);
  for (let i = 0; i < 40; i++) table.set(entryOf(i));
  for (let i = 0; i < 20; i++) expect(table.delete(entryOf(i).contentId)).toBe(true);
  const other = new ContentEntryTable(17);
  other.set(entryOf(25, { timestampSeconds: 999 }));
  other.mergeParts(table.records.parts());
  expect(other.size).toBe(20);
  expect(other.get(entryOf(25).contentId)).toEqual(entryOf(25));
  expect(other.get(entryOf(3).contentId)).toBeUndefined();
  for (let i = 100; i < 300; i++) table.set(entryOf(i));
  expect([...table.entries()]).toHaveLength(220);
  expect(table.has(entryOf(3).contentId)).toBe(0);
  expect(table.has(entryOf(39).contentId)).toBe(1);
});

test("an index without entries cannot be made", () => {
  const limit = code("INDEX_LIMIT");
  expect(() => buildIndex(new ContentEntryTable(17), { version: 2 })).toThrow(limit);
  expect(() => buildIndex([], { version: 2 })).toThrow(limit);
  expect(() => buildIndex([entryOf(1)], { version: 3 })).toThrow(limit);
});

test("content IDs are ordered as texts", () => {
  const ids = ["00", "01", "ff", "g00", "k00", "kff"];
  const signs = ids.map((a) => ids.map((b) => Math.sign(compareContentIds(a, b))));
  expect(signs).toEqual(ids.map((_, i) => ids.map((_, j) => Math.sign(i - j))));
});

test("a session marker is put by a clock like the storage's, or the session fails", async () => {
  const storage = new MemoryStorage({ clock: new FakeClock() });
  const clock = new FakeClock();
  clock.advance(seconds(400));
  const contents = await openContents(storage, { clock, maxClockSkewMs: 300_000 });
  const session = await contents.openWriteSession();
  session.writeContent(data(1));
  await expect(session.flush()).rejects.toEqual(code("CLOCK_SKEW"));
  expect(await blobIds(storage, "p")).toEqual([]);
});
