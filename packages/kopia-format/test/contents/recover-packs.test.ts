import { expect, test } from "vitest";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import type { ContentEntry } from "../../src/content/content-entry.ts";
import { buildIndex } from "../../src/content/index/build-index.ts";
import { ContentEntryTable } from "../../src/content/index/entry-table.ts";
import type { IndexReader } from "../../src/content/index/index-reader.ts";
import { openIndex } from "../../src/content/index/open-index.ts";
import type { BlobCrypto } from "../../src/content/index-blob/blob-crypto.ts";
import { encryptAndProve } from "../../src/content/index-blob/encrypt-and-prove.ts";
import { encodePackTail, readLocalIndex } from "../../src/content/pack/local-index.ts";
import { encodePostamble } from "../../src/content/pack/postamble.ts";
import { RecoveredEntries } from "../../src/content/recover-index.ts";
import { scanPackIndexes } from "../../src/content/scan-pack-indexes.ts";
import { createEncryptor } from "../../src/encryption/registry.ts";
import { createHashFunction } from "../../src/hashing/registry.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { seededRandom } from "../../src/testing/seeded.ts";
import { entryOf } from "../indexes/epochs.ts";
import { blobIds, data, decryptingBy, openContents, testFormat } from "./contents.ts";

const format = testFormat();
const code = (name: string) => expect.objectContaining({ code: name });

async function testCrypto(): Promise<BlobCrypto> {
  const { hash, secret, encryption, masterKey } = format.content;
  return {
    hash: await createHashFunction(hash, secret),
    encryptor: createEncryptor(encryption, masterKey),
  };
}

/** A repository with a few packs, and the IDs of its contents. */
async function filled() {
  const storage = new MemoryStorage();
  const contents = await openContents(storage, { content: { maxPackSizeBytes: 3000 } });
  const session = await contents.openWriteSession();
  const ids = Array.from({ length: 12 }, (_, i) => session.writeContent(data(i)));
  await session.flush();
  const packs = (await blobIds(storage, "p")).map((id) => ({ id }));
  return { storage, contents, ids, packs, crypto: await testCrypto() };
}

function readerOf(...entries: ContentEntry[]): IndexReader {
  return openIndex(buildIndex(entries, { version: 2 }), "made up");
}

test("lost index blobs are made again from the packs, byte for byte the same entries", async () => {
  const { storage, contents, ids, packs, crypto } = await filled();
  const before = [...contents.contents()];
  for (const id of await blobIds(storage, "xn")) await storage.delete(id);
  const recovered = new RecoveredEntries(16);
  await scanPackIndexes({
    storage,
    crypto,
    packs,
    onIndex: (id, index) => recovered.add(id, index),
    onProblem: (_, error) => {
      throw error;
    },
  });
  expect([recovered.packCount, recovered.entryCount, recovered.keptCount]).toEqual([
    packs.length,
    12,
    12,
  ]);
  const commit = {
    ...crypto,
    storage,
    format,
    clock: new FakeClock(),
    random: seededRandom(5),
  };
  expect(await new RecoveredEntries(16).commit(commit)).toEqual([]);
  expect(await recovered.commit(commit)).toHaveLength(1);
  expect(recovered.keptCount).toBe(12);
  expect(await recovered.commit(commit)).toEqual([]);
  const again = await openContents(storage);
  expect([...again.contents()]).toEqual(before);
  expect(await again.getContent(ids[3] as string)).toEqual(data(3));
});

test("a pack without an index is a problem and the scan goes on; other errors end it", async () => {
  const { storage, packs, crypto } = await filled();
  const [damaged] = packs;
  await storage.put(damaged?.id as string, new Uint8Array(100));
  const problems: unknown[] = [];
  const seen: string[] = [];
  const scan = (onIndex: (id: string) => void, signal?: AbortSignal) =>
    scanPackIndexes({
      storage,
      crypto,
      packs,
      parallel: 3,
      onIndex,
      onProblem: (id, error) => problems.push([id, error.code]),
      ...(signal === undefined ? {} : { signal }),
    });
  await scan((id) => seen.push(id));
  expect(problems).toEqual([[damaged?.id, "PACK_CORRUPT"]]);
  expect(seen.sort()).toEqual(packs.slice(1).map(({ id }) => id));
  await expect(
    scan(() => {
      throw new TypeError("a fault of the program");
    }),
  ).rejects.toThrow(TypeError);
  await expect(scan(() => {}, AbortSignal.abort(new Error("stop")))).rejects.toThrow("stop");
});

test("of recovered entries those are kept that win, and that name a pack", async () => {
  const recovered = new RecoveredEntries(16);
  const older = entryOf(1, { timestampSeconds: 999 });
  const newer = entryOf(1, { timestampSeconds: 1001 });
  const lookup = (id: string) => (id === entryOf(1).contentId ? entryOf(1) : undefined);
  expect(recovered.add("p1", readerOf(older, entryOf(2)), lookup)).toBe(1);
  expect(recovered.add("p2", readerOf(newer), lookup)).toBe(1);
  expect(recovered.add("p3", readerOf(entryOf(2)), lookup)).toBe(0);
  recovered.keep(entryOf(3));
  expect(recovered.keptCount).toBe(3);
  const storage = new MemoryStorage();
  const clock = new FakeClock();
  const crypto = await testCrypto();
  await recovered.commit({ ...crypto, storage, format, clock, random: seededRandom(5) });
  const written = [...(await openContents(storage)).contents()];
  const times = written.map(({ contentId, timestampSeconds }) => [contentId, timestampSeconds]);
  expect(Object.fromEntries(times)).toEqual({
    [entryOf(1).contentId]: 1001,
    [entryOf(2).contentId]: 1000,
    [entryOf(3).contentId]: 1000,
  });
  // The number of the pack, behind key, timestamp, offset and lengths, leads out of the index; or its name is empty.
  for (const [start, end, value] of [
    [17 + 17 + 14, 17 + 17 + 16, 0xff],
    [17 + 17 + 16, 17 + 17 + 17, 0],
  ] as const) {
    const bytes = buildIndex([entryOf(1)], { version: 2 }).fill(value, start, end);
    const lost = new RecoveredEntries(16);
    expect(lost.add("p1", openIndex(bytes, "damaged"))).toBe(0);
    expect([lost.entryCount, lost.keptCount]).toEqual([1, 0]);
  }
});

test("an index of another repository's hashes is refused", () => {
  const recovered = new RecoveredEntries(32);
  expect(() => recovered.add("p1", readerOf(entryOf(1)))).toThrow(code("PACK_CORRUPT"));
});

test("a local index that would end after its pack is refused before anything is read", async () => {
  const storage = new MemoryStorage();
  const postamble = encodePostamble({
    localIndexHash: new Uint8Array(16),
    localIndexOffset: 10,
    localIndexLength: 1_000_000,
  });
  await storage.put("p1", postamble);
  const problem = { code: "PACK_CORRUPT", message: expect.stringContaining("ends after the pack") };
  await expect(readLocalIndex(storage, await testCrypto(), "p1")).rejects.toMatchObject(problem);
});

test("a cipher that does not give back what it took is noticed before anything is stored", async () => {
  const { hash, encryptor } = await testCrypto();
  const broken: BlobCrypto = {
    hash,
    encryptor: decryptingBy(encryptor, (stored, iv) => {
      const plain = encryptor.decrypt(stored, iv);
      plain[5] = (plain[5] as number) ^ 1;
      return plain;
    }),
  };
  const table = new ContentEntryTable(17);
  table.set(entryOf(1));
  const options = { crypto: broken, random: seededRandom(1), indexVersion: 2 };
  expect(() => encodePackTail(100, table, options)).toThrow(code("PACK_CORRUPT"));
  const name = { prefix: "xn0_", suffix: "s1-c1" };
  expect(() => encryptAndProve(broken, name, data(1))).toThrow(code("INDEX_CORRUPT"));
});
