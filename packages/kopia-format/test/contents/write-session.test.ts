import { describe, expect, test } from "vitest";
import { isKopiaError, KopiaError } from "../../src/base/errors.ts";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import { LZ4_HEADER_ID } from "../../src/content/content-codec.ts";
import { sessionIdOfBlob } from "../../src/content/session.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { blobIds, data, openContents, seconds } from "./contents.ts";
import { DyingStorage } from "./dying-storage.ts";

const ZSTD_FASTEST = 0x1101;
const text = new TextEncoder().encode("the same line again and again\n".repeat(200));

describe("writing and reading back", () => {
  test("contents are readable pending, stored and flushed, by this client and the next", async () => {
    const storage = new MemoryStorage();
    const contents = await openContents(storage);
    const session = await contents.openWriteSession();
    const written = [
      { bytes: data(1), options: {} },
      { bytes: new Uint8Array(0), options: {} },
      { bytes: data(2, 300_000), options: {} },
      { bytes: text, options: { compressionHeaderId: ZSTD_FASTEST } },
      { bytes: text, options: { prefix: "k", compressionHeaderId: ZSTD_FASTEST } },
      { bytes: data(3), options: { prefix: "m", compressionHeaderId: ZSTD_FASTEST } },
    ].map(({ bytes, options }) => ({
      bytes,
      id: session.writeContent(bytes, options),
    }));
    for (const { id, bytes } of written) expect(await session.getContent(id)).toEqual(bytes);
    await session.flush();
    for (const { id, bytes } of written) expect(await session.getContent(id)).toEqual(bytes);
    const next = await openContents(storage);
    for (const { id, bytes } of written) expect(await next.getContent(id)).toEqual(bytes);
    const compressed = written.map(({ id }) => next.getContentInfo(id)?.compressionHeaderId);
    expect(compressed).toEqual([0, 0, 0, ZSTD_FASTEST, ZSTD_FASTEST, 0]);
  });

  test("the ID is prefix and keyed hash, of spec 1 §15.3", async () => {
    const contents = await openContents(new MemoryStorage());
    const session = await contents.openWriteSession();
    const hello = new TextEncoder().encode("hello world");
    const id = "30a572157ba3e8a14424acacde62ee4a";
    expect(session.writeContent(hello)).toBe(id);
    expect(session.writeContent(hello, { prefix: "x" })).toBe(`x${id}`);
  });

  test("the array belongs to the caller again at once", async () => {
    const contents = await openContents(new MemoryStorage());
    const session = await contents.openWriteSession();
    const bytes = data(1);
    const id = session.writeContent(bytes);
    bytes.fill(0);
    expect(await session.getContent(id)).toEqual(data(1));
  });

  test("packs end at the pack size, at most one content later", async () => {
    const storage = new MemoryStorage();
    const contents = await openContents(storage, { content: { maxPackSizeBytes: 100_000 } });
    const session = await contents.openWriteSession();
    for (let i = 0; i < 30; i++) session.writeContent(data(i, 30_000));
    await session.flush();
    const lengths: number[] = [];
    for await (const { lengthBytes } of storage.list("p")) lengths.push(lengthBytes);
    expect(lengths.length).toBe(8);
    expect(Math.max(...lengths)).toBeLessThan(130_000 + 10_000);
    expect(session.stats()).toMatchObject({ writtenCount: 30, packCount: 8, indexBlobCount: 1 });
  });

  test("too large a content is refused and the session goes on", async () => {
    const contents = await openContents(new MemoryStorage());
    const session = await contents.openWriteSession();
    for (const length of [2 ** 28, 2 ** 28 - 28]) {
      const tooLarge = expect.objectContaining({ code: "CONTENT_TOO_LARGE" });
      expect(() => session.writeContent(new Uint8Array(length))).toThrow(tooLarge);
    }
    session.writeContent(data(1));
    await session.flush();
  });

  test("unknown compression, lz4 and bad prefixes are refused and the session goes on", async () => {
    const contents = await openContents(new MemoryStorage());
    const session = await contents.openWriteSession();
    const refused = (options: object, code: string) =>
      expect(() => session.writeContent(text, options)).toThrow(expect.objectContaining({ code }));
    refused({ compressionHeaderId: 0x7777 }, "ALGORITHM_UNKNOWN");
    refused({ compressionHeaderId: 0x1400 }, "ALGORITHM_UNKNOWN");
    refused({ prefix: "a" }, "CONTENT_ID_INVALID");
    refused({ prefix: "kk" }, "CONTENT_ID_INVALID");
    session.writeContent(text);
    await session.flush();
  });

  test("lz4 is written, kept and written again as it is when it was asked for, else never", async () => {
    const storage = new MemoryStorage();
    const compressible = new Uint8Array(5000).fill(7);
    const allowed = await openContents(storage, { writeLz4: true });
    const session = await allowed.openWriteSession();
    const id = session.writeContent(compressible, { compressionHeaderId: LZ4_HEADER_ID });
    await session.flush();
    await session.rewriteContent(id);
    await session.flush();
    await session.close();
    const read = async (): Promise<number | undefined> => {
      const contents = await openContents(storage);
      expect(await contents.getContent(id)).toEqual(compressible);
      return contents.getContentInfo(id)?.compressionHeaderId;
    };
    expect(await read()).toBe(LZ4_HEADER_ID);
    const careful = await (await openContents(storage)).openWriteSession();
    await careful.rewriteContent(id);
    await careful.flush();
    await careful.close();
    expect(await read()).toBe(0);
  });

  test("index version 1 records no compression: metadata stays plain, data is refused", async () => {
    const storage = new MemoryStorage();
    const contents = await openContents(storage, { content: { indexVersion: 1, version: 1 } });
    const session = await contents.openWriteSession();
    const id = session.writeContent(text, { prefix: "k", compressionHeaderId: ZSTD_FASTEST });
    expect(() => session.writeContent(text, { compressionHeaderId: ZSTD_FASTEST })).toThrow(
      expect.objectContaining({ code: "FORMAT_UNSUPPORTED" }),
    );
    await session.flush();
    const next = await openContents(storage, { content: { indexVersion: 1, version: 1 } });
    expect(next.getContentInfo(id)).toMatchObject({
      compressionHeaderId: 0,
      formatVersion: 1,
      originalLength: text.length,
    });
    expect(await next.getContent(id)).toEqual(text);
  });
});

describe("deduplication", () => {
  test("within the pending pack, packs under way, stored packs and the index", async () => {
    const storage = new MemoryStorage();
    const contents = await openContents(storage, { content: { maxPackSizeBytes: 5000 } });
    const session = await contents.openWriteSession();
    const first = session.writeContent(data(1));
    expect(session.writeContent(data(1))).toBe(first);
    for (let i = 2; i < 12; i++) session.writeContent(data(i));
    session.writeContent(data(1));
    await session.settle();
    session.writeContent(data(1));
    await session.flush();
    session.writeContent(data(1));
    const next = await (await openContents(storage)).openWriteSession();
    next.writeContent(data(1));
    expect(next.stats()).toMatchObject({ writtenCount: 0, deduplicatedCount: 1 });
    expect(session.stats()).toMatchObject({ writtenCount: 11, deduplicatedCount: 4 });
    expect(session.stats().deduplicatedBytes).toBe(4000);
  });

  test("while a flush is under way its contents are known", async () => {
    const contents = await openContents(new MemoryStorage());
    const session = await contents.openWriteSession();
    session.writeContent(data(1));
    const flushed = session.flush();
    await Promise.resolve();
    session.writeContent(data(1));
    expect(session.stats().writtenCount).toBe(1);
    await flushed;
    expect(session.hasPending).toBe(false);
  });

  test("the same bytes under two prefixes are two contents", async () => {
    const contents = await openContents(new MemoryStorage());
    const session = await contents.openWriteSession();
    session.writeContent(data(1));
    session.writeContent(data(1), { prefix: "k" });
    expect(session.stats().writtenCount).toBe(2);
  });

  test("an index older than 15 minutes is not trusted: written again, with a later time", async () => {
    const storage = new MemoryStorage();
    const clock = new FakeClock();
    const contents = await openContents(storage, { clock });
    const session = await contents.openWriteSession();
    const id = session.writeContent(data(1));
    await session.flush();
    const before = contents.getContentInfo(id)!;
    clock.advance(seconds(15 * 60 - 1));
    session.writeContent(data(1));
    expect(session.stats().writtenCount).toBe(1);
    clock.advance(seconds(3));
    session.writeContent(data(1));
    expect(session.stats().writtenCount).toBe(2);
    await session.flush();
    const after = contents.getContentInfo(id)!;
    expect(after.packBlobId).not.toBe(before.packBlobId);
    expect(after.timestampSeconds).toBe(before.timestampSeconds + 15 * 60 + 2);
  });
});

describe("flush", () => {
  test("marker, then packs, then index, then the marker goes", async () => {
    const storage = new DyingStorage(new MemoryStorage());
    const contents = await openContents(storage, { content: { maxPackSizeBytes: 3000 } });
    const session = await contents.openWriteSession();
    for (let i = 0; i < 10; i++) session.writeContent(data(i), { prefix: i % 2 === 0 ? "" : "k" });
    await session.flush();
    const lasting = storage.operations.filter((operation) =>
      /^(put|commit|delete)/.test(operation),
    );
    const kinds = lasting.map((operation) => operation.replace(/^(\w+ (?:xn|[a-z])).*/, "$1"));
    expect(kinds.slice(0, 1)).toEqual(["put s"]);
    expect(kinds.slice(1, -2).every((kind) => /^commit [pq]$/.test(kind))).toBe(true);
    expect(kinds.slice(-2)).toEqual(["put xn", "delete s"]);
    expect(kinds.length).toBe(1 + 4 + 2);
  });

  test("every flush has a session of its own", async () => {
    const storage = new MemoryStorage();
    const session = await (await openContents(storage)).openWriteSession();
    for (let i = 0; i < 3; i++) {
      session.writeContent(data(i));
      await session.flush();
    }
    const packs = await blobIds(storage, "p");
    const indexes = await blobIds(storage, "xn");
    expect(new Set(packs.map(sessionIdOfBlob)).size).toBe(3);
    expect(new Set(indexes.map(sessionIdOfBlob))).toEqual(new Set(packs.map(sessionIdOfBlob)));
    expect(await blobIds(storage, "s")).toEqual([]);
  });

  test("nothing to flush writes nothing", async () => {
    const storage = new DyingStorage(new MemoryStorage());
    const session = await (await openContents(storage)).openWriteSession();
    await session.flush();
    await session.close();
    expect(storage.operations.filter((operation) => !operation.startsWith("list"))).toEqual([]);
  });

  test("happens by itself when ten minutes have passed", async () => {
    const storage = new MemoryStorage();
    const clock = new FakeClock();
    const session = await (await openContents(storage, { clock })).openWriteSession();
    session.writeContent(data(1));
    clock.advance(seconds(599));
    await session.settle();
    expect(await blobIds(storage, "xn")).toEqual([]);
    clock.advance(seconds(1));
    await session.settle();
    expect((await blobIds(storage, "xn")).length).toBe(1);
    session.writeContent(data(2));
    clock.advance(seconds(599));
    await session.settle();
    expect((await blobIds(storage, "xn")).length).toBe(1);
  });

  test("happens by itself when very many contents wait for it", async () => {
    const storage = new MemoryStorage();
    const session = await (await openContents(storage)).openWriteSession();
    const bytes = new Uint8Array(4);
    const write = (number: number): void => {
      new DataView(bytes.buffer).setUint32(0, number);
      session.writeContent(bytes);
    };
    for (let i = 1; i < 100_000; i++) write(i);
    await session.settle();
    expect(await blobIds(storage, "xn")).toEqual([]);
    write(100_000);
    await session.settle();
    expect((await blobIds(storage, "xn")).length).toBe(1);
    expect(session.hasPending).toBe(false);
  });

  test("what is written in one synchronous stretch goes into one index, also during a flush", async () => {
    const storage = new MemoryStorage();
    const session = await (await openContents(storage)).openWriteSession();
    const old = session.writeContent(data(1), { prefix: "m" });
    const first = session.flush();
    for (let i = 0; i < 20; i++) await Promise.resolve();
    const replacement = session.writeContent(data(2), { prefix: "m" });
    session.deleteContent(old);
    await first;
    const between = await openContents(storage);
    expect([...between.contents()].map(({ contentId }) => contentId)).toEqual([old]);
    await session.flush();
    const after = await openContents(storage);
    expect([...after.contents()].map(({ contentId }) => contentId)).toEqual([replacement]);
    expect((await blobIds(storage, "xn")).length).toBe(2);
  });

  test("asks whether the format still holds, before any index is written", async () => {
    const storage = new MemoryStorage();
    let locked = false;
    const checkFormat = async (): Promise<void> => {
      if (locked) throw new KopiaError("REPOSITORY_UPGRADING", "locked");
    };
    const session = await (await openContents(storage, { checkFormat })).openWriteSession();
    session.writeContent(data(1));
    locked = true;
    const upgrading = expect.objectContaining({ code: "REPOSITORY_UPGRADING" });
    await expect(session.flush()).rejects.toThrow(upgrading);
    expect(await blobIds(storage, "xn")).toEqual([]);
    await expect((await openContents(storage, { checkFormat })).openWriteSession()).rejects.toThrow(
      upgrading,
    );
  });
});

describe("a session that failed", () => {
  test("stays failed, with the first failure as cause, and the next session works", async () => {
    const inner = new MemoryStorage();
    const dying = new DyingStorage(inner, { atOperation: 12, effect: "before" });
    const contents = await openContents(dying, { content: { maxPackSizeBytes: 3000 } });
    const session = await contents.openWriteSession();
    let first: unknown;
    for (let i = 0; first === undefined; i++) {
      try {
        session.writeContent(data(i));
        if (i % 10 === 9) await session.settle();
      } catch (error) {
        first = error;
      }
    }
    const root = isKopiaError(first, "SESSION_BROKEN") ? first.cause : first;
    expect(root).toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    const broken = expect.objectContaining({ code: "SESSION_BROKEN", cause: root });
    for (let i = 0; i < 2; i++) {
      expect(() => session.writeContent(data(99))).toThrow(broken);
      expect(() => session.deleteContent("00")).toThrow(broken);
      expect(() => session.getContentInfo("00")).toThrow(broken);
      await expect(session.flush()).rejects.toThrow(broken);
      await expect(session.settle()).rejects.toThrow(broken);
      await expect(session.undeleteContent("00")).rejects.toThrow(broken);
      await expect(session.getContent("00")).rejects.toThrow(broken);
    }
    await session.close();
    const next = await (await openContents(inner)).openWriteSession();
    next.writeContent(data(0));
    await next.flush();
  });

  test("a closed session refuses everything, and a pack without index keeps its marker", async () => {
    const storage = new MemoryStorage();
    const contents = await openContents(storage, { content: { maxPackSizeBytes: 3000 } });
    const session = await contents.openWriteSession();
    for (let i = 0; i < 4; i++) session.writeContent(data(i));
    await session.close();
    expect((await blobIds(storage)).map((id) => id.charAt(0))).toEqual(["p", "s"]);
    const closed = expect.objectContaining({ code: "REPOSITORY_CLOSED" });
    expect(() => session.writeContent(data(1))).toThrow(closed);
    await expect(session.flush()).rejects.toThrow(closed);
  });

  test("closing a session that stored no pack leaves nothing", async () => {
    const storage = new MemoryStorage();
    {
      await using session = await (await openContents(storage)).openWriteSession();
      session.writeContent(data(1));
      session.writeContent(data(1), { prefix: "k" });
    }
    expect(await blobIds(storage)).toEqual([]);
  });

  test("a marker that cannot be stored keeps every pack out of the storage", async () => {
    const inner = new MemoryStorage();
    const refusing = new Proxy(inner, {
      get: (target, name) =>
        name === "put"
          ? () => Promise.reject(new KopiaError("STORAGE_FULL", "no space"))
          : (Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)),
    });
    const session = await (await openContents(refusing)).openWriteSession();
    session.writeContent(data(1));
    const full = expect.objectContaining({ code: "STORAGE_FULL" });
    await expect(session.flush()).rejects.toThrow(full);
    await session.close();
    expect(await blobIds(inner)).toEqual([]);
  });

  test("a storage clock that is off is noticed when asked for", async () => {
    const clock = new FakeClock();
    const contents = await openContents(new MemoryStorage(), { clock, maxClockSkewMs: 300_000 });
    const session = await contents.openWriteSession();
    session.writeContent(data(1));
    const skew = expect.objectContaining({ code: "CLOCK_SKEW" });
    await expect(session.flush()).rejects.toThrow(skew);
  });
});
