import { describe, expect, test } from "vitest";
import { KopiaError } from "../../src/base/errors.ts";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import { ReadOnlyStorage } from "../../src/blob/read-only-storage.ts";
import type { BlobRange, BlobStorage } from "../../src/blob/storage.ts";
import { verifyContents } from "../../src/content/verify-contents.ts";
import { createHashFunction } from "../../src/hashing/registry.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { seededRandom } from "../../src/testing/seeded.ts";
import { blobIds, data, openContents, seconds, testFormat } from "./contents.ts";
import { DyingStorage } from "./dying-storage.ts";

async function fill(storage: BlobStorage, count: number): Promise<string[]> {
  const contents = await openContents(storage, { content: { maxPackSizeBytes: 20_000 } });
  const session = await contents.openWriteSession();
  const ids = Array.from({ length: count }, (_, i) => session.writeContent(data(i)));
  await session.flush();
  return ids;
}

async function flip(storage: BlobStorage, blobId: string, at: number): Promise<void> {
  const bytes = await storage.get(blobId);
  bytes[at]! ^= 1;
  await storage.put(blobId, bytes);
}

describe("many contents at once", () => {
  test("neighbours are read in one range each pack, every content once", async () => {
    const storage = new DyingStorage(new MemoryStorage());
    const ids = await fill(storage, 100);
    const contents = await openContents(storage);
    const before = storage.operations.length;
    const found = new Map<string, Uint8Array>();
    for await (const { contentId, data: bytes } of contents.getContents([...ids, ...ids])) {
      expect(found.has(contentId)).toBe(false);
      found.set(contentId, bytes!);
    }
    ids.forEach((id, i) => expect(found.get(id)).toEqual(data(i)));
    const reads = storage.operations.slice(before);
    expect(reads.length).toBe((await blobIds(storage, "p")).length);
  });

  test("ranges and gaps stay within their limits", async () => {
    const storage = new DyingStorage(new MemoryStorage());
    const ids = await fill(storage, 18);
    const contents = await openContents(storage);
    const readsFor = async (wanted: string[], options: object): Promise<number> => {
      const before = storage.operations.length;
      for await (const { error } of contents.getContents(wanted, options)) {
        expect(error).toBeUndefined();
      }
      return storage.operations.length - before;
    };
    expect(await readsFor(ids, {})).toBe(1);
    expect(await readsFor(ids, { maxRangeBytes: 6 * 1028 })).toBe(3);
    expect(await readsFor(ids, { maxRangeBytes: 10 })).toBe(18);
    const everyOther = ids.filter((_, i) => i % 2 === 0);
    expect(await readsFor(everyOther, { maxGapBytes: 1028 })).toBe(1);
    expect(await readsFor(everyOther, { maxGapBytes: 1027 })).toBe(9);
  });

  test("what cannot be read is told apart, the rest arrives", async () => {
    const storage = new MemoryStorage();
    const ids = await fill(storage, 60);
    const contents = await openContents(storage);
    const [damaged, gone] = [contents.getContentInfo(ids[3]!)!, contents.getContentInfo(ids[59]!)!];
    await flip(storage, damaged.packBlobId, damaged.packOffset + 500);
    await storage.delete(gone.packBlobId);
    const unknown = "00".repeat(16);
    const codes = new Map<string, string>();
    let good = 0;
    for await (const { contentId, error } of contents.getContents([unknown, ...ids])) {
      if (error === undefined) good++;
      else codes.set(contentId, error.code);
    }
    expect(codes.get(unknown)).toBe("CONTENT_NOT_FOUND");
    expect(codes.get(damaged.contentId)).toBe("CONTENT_CORRUPT");
    expect(codes.get(gone.contentId)).toBe("BLOB_NOT_FOUND");
    expect(good + codes.size).toBe(61);
    expect([...codes.values()].filter((code) => code === "CONTENT_CORRUPT").length).toBe(1);
    await expect(contents.getContent(damaged.contentId)).rejects.toThrow(
      new RegExp(
        `content ${damaged.contentId} in pack ${damaged.packBlobId} at ${damaged.packOffset}`,
      ),
    );
  });

  test("a session gives its pending contents along with the stored ones", async () => {
    const storage = new MemoryStorage();
    const ids = await fill(storage, 5);
    const session = await (await openContents(storage)).openWriteSession();
    const pending = session.writeContent(data(100));
    const found = new Set<string>();
    for await (const { contentId, error } of session.getContents([pending, ...ids])) {
      if (error === undefined) found.add(contentId);
    }
    expect(found).toEqual(new Set([pending, ...ids]));
  });
});

describe("the index of others", () => {
  test("is seen after a refresh, and by itself after ten minutes", async () => {
    const storage = new MemoryStorage();
    const clock = new FakeClock();
    const contents = await openContents(storage, { clock });
    const session = await contents.openWriteSession();
    const [first, second] = [await fill(storage, 1), await fill(storage, 2)];
    expect(contents.getContentInfo(first[0]!)).toBeUndefined();
    await contents.refresh();
    expect(contents.getContentInfo(second[1]!)).toBeDefined();
    const third = await fill(storage, 3);
    await expect(contents.getContent(third[2]!)).rejects.toThrow(
      expect.objectContaining({ code: "CONTENT_NOT_FOUND" }),
    );
    clock.advance(seconds(601));
    await session.settle();
    expect(await contents.getContent(third[2]!)).toEqual(data(2));
  });

  test("is asked again when a pack is gone because its contents were moved", async () => {
    const storage = new MemoryStorage();
    const [id] = await fill(storage, 1);
    const clock = new FakeClock();
    const reader = await openContents(storage, { clock });
    const old = reader.getContentInfo(id!)!;
    const upkeep = await (await openContents(storage)).openWriteSession();
    await upkeep.rewriteContent(id!);
    await upkeep.flush();
    await storage.delete(old.packBlobId);
    clock.advance(seconds(61));
    expect(await reader.getContent(id!)).toEqual(data(0));
    for await (const { error } of reader.getContents([id!])) expect(error).toBeUndefined();
  });

  test("an index blob that vanishes while loading makes the listing start over", async () => {
    const inner = new MemoryStorage();
    const ids = await fill(inner, 3);
    const clock = new FakeClock();
    let misses = 3;
    const flaky = new Proxy(inner, {
      get(target, name) {
        if (name !== "get")
          return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
        return (id: string, range?: BlobRange) => {
          if (!id.startsWith("xn") || misses-- <= 0) return target.get(id, range);
          return Promise.reject(new KopiaError("BLOB_NOT_FOUND", id));
        };
      },
    });
    const contents = await openContents(flaky, { clock });
    expect(clock.sleepsMs).toEqual([100, 200, 400]);
    expect(await contents.getContent(ids[0]!)).toEqual(data(0));
    misses = Infinity;
    await expect(openContents(flaky)).rejects.toThrow(
      expect.objectContaining({ code: "BLOB_NOT_FOUND" }),
    );
  });

  test("a flush during a reload is not lost from sight", async () => {
    const storage = new MemoryStorage();
    const contents = await openContents(storage);
    const session = await contents.openWriteSession();
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) {
      ids.push(session.writeContent(data(i)));
      const refreshed = contents.refresh();
      for (let turn = 0; turn < i; turn++) await Promise.resolve();
      await Promise.all([refreshed, session.flush()]);
      for (const id of ids) expect(contents.getContentInfo(id)).toBeDefined();
    }
  });

  test("a damaged index blob is named", async () => {
    const storage = new MemoryStorage();
    await fill(storage, 3);
    const [blobId] = await blobIds(storage, "xn");
    await flip(storage, blobId!, 50);
    await expect(openContents(storage)).rejects.toThrow(
      expect.objectContaining({
        code: "INDEX_CORRUPT",
        message: expect.stringContaining(blobId!),
      }),
    );
  });
});

describe("opening a session", () => {
  test("is refused when packs have lost their index, and only then", async () => {
    const storage = new MemoryStorage();
    const empty = await openContents(storage);
    await (await empty.openWriteSession()).close();
    await fill(storage, 3);
    for (const id of await blobIds(storage, "xn")) await storage.delete(id);
    const contents = await openContents(storage);
    const missing = expect.objectContaining({ code: "REPOSITORY_INDEX_MISSING" });
    await expect(contents.openWriteSession()).rejects.toThrow(missing);
    await expect(contents.assertIndexPresent()).rejects.toThrow(missing);
  });

  test("packs of a first session that died are no lost index", async () => {
    const storage = new MemoryStorage();
    const options = { content: { maxPackSizeBytes: 3000 } };
    const session = await (await openContents(storage, options)).openWriteSession();
    for (let i = 0; i < 9; i++) session.writeContent(data(i));
    await session.settle();
    await session.close();
    expect((await blobIds(storage, "p")).length).toBe(3);
    const next = await (await openContents(storage)).openWriteSession();
    next.writeContent(data(1));
    await next.flush();
  });

  test("is refused on storage that is read only", async () => {
    const storage = new MemoryStorage();
    const ids = await fill(storage, 1);
    const contents = await openContents(new ReadOnlyStorage(storage));
    expect(await contents.getContent(ids[0]!)).toEqual(data(0));
    await expect(contents.openWriteSession()).rejects.toThrow(
      expect.objectContaining({ code: "STORAGE_READ_ONLY" }),
    );
  });

  test("nothing works after close", async () => {
    const contents = await openContents(new MemoryStorage());
    contents.close();
    const closed = expect.objectContaining({ code: "REPOSITORY_CLOSED" });
    await expect(contents.getContent("00")).rejects.toThrow(closed);
    await expect(contents.openWriteSession()).rejects.toThrow(closed);
  });
});

describe("verification", () => {
  test("counts missing, truncated and unreadable contents and goes on", async () => {
    const storage = new MemoryStorage();
    const ids = await fill(storage, 100);
    const contents = await openContents(storage);
    const packs = await blobIds(storage, "p");
    const [missing, truncated, flipped] = packs;
    const inPack = (pack: string | undefined) =>
      ids.map((id) => contents.getContentInfo(id)!).filter((entry) => entry.packBlobId === pack);
    await storage.delete(missing!);
    await storage.put(truncated!, (await storage.get(truncated!)).slice(0, 10_000));
    const victim = inPack(flipped)[2]!;
    await flip(storage, flipped!, victim.packOffset + 30);
    const cut = inPack(truncated).filter((entry) => entry.packOffset + entry.packedLength > 10_000);
    const random = seededRandom(1);
    const { secret } = testFormat().content;
    const hash = await createHashFunction("BLAKE2B-256-128", secret);
    const quick = await verifyContents(contents, storage, { random });
    expect(quick).toMatchObject({
      contentCount: 100,
      readCount: 0,
      packCount: packs.length,
      missingPackContents: inPack(missing).length,
      truncatedPackContents: cut.length,
      unreadableContents: 0,
      missingPacks: [missing],
      truncatedPacks: [truncated],
      errorCount: inPack(missing).length + cut.length,
    });
    const problems: string[] = [];
    const full = await verifyContents(contents, storage, {
      random,
      hash,
      readPercent: 100,
      onProblem: ({ kind, entry }) => problems.push(`${kind} ${entry.contentId}`),
    });
    expect(full.unreadableContents).toBe(1);
    expect(full.unreadablePacks).toEqual([flipped]);
    expect(full.readCount).toBe(100 - quick.errorCount);
    expect(full.readBytes).toBe(1000 * (full.readCount - 1));
    expect(problems).toContain(`unreadable ${victim.contentId}`);
    expect(problems.length).toBe(full.errorCount);
    const some = await verifyContents(contents, storage, { random, readPercent: 50 });
    expect(some.readCount).toBeGreaterThan(10);
    expect(some.readCount).toBeLessThan(full.readCount);
  });

  test("looks at deleted contents when asked", async () => {
    const storage = new MemoryStorage();
    const ids = await fill(storage, 10);
    const contents = await openContents(storage);
    const session = await contents.openWriteSession();
    session.deleteContent(ids[0]!);
    await session.flush();
    const random = seededRandom(1);
    const readPercent = 100;
    const live = await verifyContents(contents, storage, { random, readPercent });
    const all = await verifyContents(contents, storage, {
      random,
      readPercent,
      includeDeleted: true,
    });
    expect([live.contentCount, all.contentCount, all.readCount]).toEqual([9, 10, 10]);
  });
});
