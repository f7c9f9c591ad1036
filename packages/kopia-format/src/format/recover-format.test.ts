import { expect, test } from "vitest";
import { concatBytes, utf8Encode } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import { MemoryStorage } from "../blob/memory-storage.ts";
import type { BlobMetadata, BlobStorage } from "../blob/storage.ts";
import { seededBytes } from "../testing/seeded.ts";
import { encodeFormatCopy, FORMAT_COPY_SEARCH_BYTES } from "./format-copy.ts";
import { findFormatCopy } from "./recover-format.ts";

const FORMAT = utf8Encode('{"tool":"t"}\n');
const COPY = encodeFormatCopy(FORMAT);
const PACK_BYTES = 3 * FORMAT_COPY_SEARCH_BYTES;

async function packsOf(storage: BlobStorage): Promise<BlobMetadata[]> {
  const packs: BlobMetadata[] = [];
  for await (const blob of storage.list("p")) packs.push(blob);
  return packs;
}

test.each([
  ["at the start", concatBytes(COPY, seededBytes(1, PACK_BYTES))],
  ["at the end", concatBytes(seededBytes(1, PACK_BYTES), COPY)],
  ["at the end of a short pack", concatBytes(seededBytes(1, 100), COPY)],
])("a copy %s of a pack is found", async (_where, pack) => {
  const storage = new MemoryStorage();
  await storage.put("p1", seededBytes(2, PACK_BYTES));
  await storage.put("p2", seededBytes(3, 50));
  await storage.put("p3", pack);
  const looked: string[] = [];
  const found = await findFormatCopy(storage, await packsOf(storage), (id) => looked.push(id));
  expect(found).toEqual({ packBlobId: "p3", formatBlob: FORMAT });
  expect(looked).toEqual(["p1", "p2", "p3"]);
});

test("packs without a copy, and packs that vanish or shrink meanwhile, give nothing", async () => {
  const storage = new MemoryStorage();
  await storage.put("p1", seededBytes(2, PACK_BYTES));
  await storage.put("p2", seededBytes(2, PACK_BYTES));
  await storage.put("p3", seededBytes(2, PACK_BYTES));
  const packs = await packsOf(storage);
  await storage.delete("p1");
  await storage.put("p2", seededBytes(2, 10));
  expect(await findFormatCopy(storage, packs)).toBeUndefined();
});

test("a storage that fails is no repository without a copy", async () => {
  const storage = new MemoryStorage();
  await storage.put("p1", COPY);
  const packs = await packsOf(storage);
  const failure = new KopiaError("STORAGE_UNAVAILABLE", "the disk is gone");
  storage.get = () => Promise.reject(failure);
  await expect(findFormatCopy(storage, packs)).rejects.toBe(failure);
});
