import { describe, expect, test } from "vitest";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import type { BlobCrypto } from "../../src/content/index-blob/blob-crypto.ts";
import { readLocalIndex } from "../../src/content/pack/local-index.ts";
import { decodePostamble } from "../../src/content/pack/postamble.ts";
import { listSessionMarkers, newSessionId, sessionIdOfBlob } from "../../src/content/session.ts";
import { createEncryptor } from "../../src/encryption/registry.ts";
import { encodeFormatCopy, findFormatCopyAtStart } from "../../src/format/format-copy.ts";
import { createHashFunction } from "../../src/hashing/registry.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { seededRandom } from "../../src/testing/seeded.ts";
import { blobIds, data, openContents, testFormat } from "./contents.ts";

async function testCrypto(hashName = "BLAKE2B-256-128"): Promise<BlobCrypto> {
  const { encryption, masterKey, secret } = testFormat().content;
  return {
    hash: await createHashFunction(hashName, secret),
    encryptor: createEncryptor(encryption, masterKey),
  };
}

describe("packs", () => {
  test.each([
    [1, "BLAKE2B-256-128"],
    [2, "BLAKE2B-256-128"],
    [2, "HMAC-SHA256"],
    [2, "HMAC-SHA224"],
  ])("end in a readable index of their entries (version %i, %s)", async (indexVersion, hash) => {
    const storage = new MemoryStorage();
    const content = { hash, indexVersion, maxPackSizeBytes: 30_000 };
    const contents = await openContents(storage, { content });
    const session = await contents.openWriteSession();
    for (let i = 0; i < 100; i++) session.writeContent(data(i), { prefix: i % 4 === 0 ? "k" : "" });
    await session.flush();
    const crypto = await testCrypto(hash);
    const fromPacks = [];
    for (const pack of [...(await blobIds(storage, "p")), ...(await blobIds(storage, "q"))]) {
      const index = await readLocalIndex(storage, crypto, pack);
      for (let i = 0; i < index.entryCount; i++) fromPacks.push(index.entryAt(i));
      expect(
        new Set(fromPacks.slice(-index.entryCount).map(({ packBlobId }) => packBlobId)),
      ).toEqual(new Set([pack]));
      const bytes = await storage.get(pack);
      const { localIndexOffset, localIndexHash } = decodePostamble(bytes, pack);
      expect(localIndexOffset % 4096).toBe(0);
      expect(localIndexHash.length).toBe(crypto.hash.sizeBytes);
      const end = Math.max(
        ...Array.from({ length: index.entryCount }, (_, i) => {
          const { packOffset, packedLength } = index.entryAt(i);
          return packOffset + packedLength;
        }),
      );
      expect(localIndexOffset - end).toBeGreaterThan(0);
      expect(localIndexOffset - end).toBeLessThanOrEqual(4096);
    }
    fromPacks.sort((a, b) => (a.contentId < b.contentId ? -1 : 1));
    expect(fromPacks).toEqual([...contents.contents()]);
  });

  test("begin with 32 random bytes, contents follow one another", async () => {
    const storage = new MemoryStorage();
    const contents = await openContents(storage);
    const session = await contents.openWriteSession();
    const ids = [data(1), data(2, 70_000), data(3)].map((bytes) => session.writeContent(bytes));
    await session.flush();
    const offsets = ids.map((id) => contents.getContentInfo(id)!.packOffset);
    expect(offsets).toEqual([32, 32 + 1028, 32 + 1028 + 70_028]);
  });

  test("carry deletions of contents in other packs in their index", async () => {
    const storage = new MemoryStorage();
    const contents = await openContents(storage);
    const session = await contents.openWriteSession();
    const old = session.writeContent(data(1));
    await session.flush();
    const [oldPack] = await blobIds(storage, "p");
    session.deleteContent(old);
    const fresh = session.writeContent(data(2));
    await session.flush();
    const freshPack = contents.getContentInfo(fresh)!.packBlobId;
    const index = await readLocalIndex(storage, await testCrypto(), freshPack);
    const entries = Array.from({ length: index.entryCount }, (_, i) => index.entryAt(i));
    expect(entries.find(({ contentId }) => contentId === old)).toMatchObject({
      deleted: true,
      packBlobId: oldPack,
    });
    expect(entries.length).toBe(2);
  });

  test("begin with a copy of the format blob where the password cannot be changed", async () => {
    const storage = new MemoryStorage();
    const formatBlob = new TextEncoder().encode('{"tool":"x"}\n');
    await storage.put("kopia.repository", formatBlob);
    const contents = await openContents(storage, { content: { enablePasswordChange: false } });
    const session = await contents.openWriteSession();
    const id = session.writeContent(data(1));
    await session.flush();
    const { packBlobId, packOffset } = contents.getContentInfo(id)!;
    expect(findFormatCopyAtStart(await storage.get(packBlobId))).toEqual(formatBlob);
    expect(packOffset).toBe(encodeFormatCopy(formatBlob).length + 32);
    expect(await contents.getContent(id)).toEqual(data(1));
  });

  test("a damaged end is a typed error that names the pack", async () => {
    const storage = new MemoryStorage();
    const session = await (await openContents(storage)).openWriteSession();
    session.writeContent(data(1));
    await session.flush();
    const [pack] = await blobIds(storage, "p");
    const whole = await storage.get(pack!);
    const crypto = await testCrypto();
    const corrupt = expect.objectContaining({
      code: "PACK_CORRUPT",
      message: expect.stringContaining(pack!),
    });
    for (const at of [4100, whole.length - 20, whole.length - 1]) {
      const flipped = whole.slice();
      flipped[at]! ^= 0x10;
      await storage.put(pack!, flipped);
      await expect(readLocalIndex(storage, crypto, pack!)).rejects.toThrow(corrupt);
    }
    for (const length of [0, 1, 100, 4096, whole.length - 1]) {
      await storage.put(pack!, whole.slice(0, length));
      await expect(readLocalIndex(storage, crypto, pack!)).rejects.toThrow(corrupt);
    }
    await storage.delete(pack!);
    await expect(readLocalIndex(storage, crypto, pack!)).rejects.toThrow(
      expect.objectContaining({ code: "BLOB_NOT_FOUND" }),
    );
  });
});

describe("sessions", () => {
  test("IDs count 30-day units since 2000 (spec 1 §9.2)", () => {
    const august2026 = BigInt(Date.UTC(2026, 7, 21)) * 1_000_000n;
    expect(newSessionId(seededRandom(1), august2026)).toMatch(/^s[0-9a-f]{16}144$/);
    expect(newSessionId(seededRandom(1), 0n)).toMatch(/^s[0-9a-f]{16}0$/);
  });

  test("the session of a blob is the first part that starts with s", () => {
    expect(sessionIdOfBlob("p0102-s0011223344556677144")).toBe("s0011223344556677144");
    expect(sessionIdOfBlob("xn0_ff-s00144-c1")).toBe("s00144");
    expect(sessionIdOfBlob("s0102")).toBeUndefined();
    expect(sessionIdOfBlob("p0102-c1")).toBeUndefined();
  });

  test("markers say who writes, and are there from the first pack on", async () => {
    const storage = new MemoryStorage();
    const clock = new FakeClock();
    const contents = await openContents(storage, {
      clock,
      client: { username: "näme", hostname: "<host>" },
    });
    const session = await contents.openWriteSession();
    session.writeContent(data(1));
    await session.settle();
    await new Promise((resolve) => setImmediate(resolve));
    const [stored] = await listSessionMarkers(storage, await testCrypto());
    expect(stored!.marker).toEqual({
      id: sessionIdOfBlob(stored!.blobId),
      startTime: clock.now(),
      checkpointTime: clock.now(),
      username: "näme",
      hostname: "<host>",
    });
    await storage.put(stored!.blobId, (await storage.get(stored!.blobId)).fill(0, 20));
    await expect(listSessionMarkers(storage, await testCrypto())).rejects.toThrow(
      expect.objectContaining({
        code: "CONTENT_CORRUPT",
        message: expect.stringContaining(stored!.blobId),
      }),
    );
    await session.flush();
    expect(await listSessionMarkers(storage, await testCrypto())).toEqual([]);
  });
});
