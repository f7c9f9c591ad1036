import { expect, test } from "vitest";
import type { ContentEntry } from "../content-entry.ts";
import { buildIndex, buildIndexShards, indexShardOf } from "./build-index.ts";
import { ContentEntryTable } from "./entry-table.ts";
import { openIndex } from "./open-index.ts";

const BASE: ContentEntry = {
  contentId: "00".repeat(16),
  packBlobId: "p00",
  timestampSeconds: 1,
  packOffset: 32,
  packedLength: 100,
  originalLength: 72,
  deleted: false,
  compressionHeaderId: 0,
  formatVersion: 3,
  encryptionKeyId: 0,
};

function numbered(number: number): string {
  return number.toString(16).padStart(32, "0");
}

const indexLimit = expect.objectContaining({ code: "INDEX_LIMIT" });

test("an index needs an entry", () => {
  expect(() => buildIndex([], { version: 2 })).toThrow(indexLimit);
  expect(buildIndexShards(new ContentEntryTable(17), { version: 2 })).toEqual([]);
});

test.each([
  ["packOffset", 2 ** 30],
  ["originalLength", 2 ** 28],
  ["packedLength", 2 ** 28],
  ["timestampSeconds", 2 ** 32],
  ["packBlobId", ""],
  ["packBlobId", "p".repeat(256)],
  ["packBlobId", "pé"],
  ["packOffset", -1],
  ["packOffset", 1.5],
  ["formatVersion", 256],
  ["compressionHeaderId", 2 ** 32],
])("version 2 refuses %s = %s", (name, value) => {
  expect(() => buildIndex([{ ...BASE, [name]: value }], { version: 2 })).toThrow(indexLimit);
});

test("the largest values of version 2 survive", () => {
  const entry = {
    ...BASE,
    packBlobId: "p".repeat(255),
    packOffset: 2 ** 30 - 1,
    originalLength: 2 ** 28 - 1,
    packedLength: 2 ** 28 - 1,
    timestampSeconds: 2 ** 32 - 1,
    compressionHeaderId: 2 ** 32 - 1,
    formatVersion: 255,
    encryptionKeyId: 255,
  };
  expect(openIndex(buildIndex([entry], { version: 2 }), "b").entryAt(0)).toEqual(entry);
});

test("version 1 refuses compression and key IDs, other versions do not exist", () => {
  expect(() => buildIndex([{ ...BASE, compressionHeaderId: 0x1100 }], { version: 1 })).toThrow(
    indexLimit,
  );
  expect(() => buildIndex([{ ...BASE, encryptionKeyId: 1 }], { version: 1 })).toThrow(indexLimit);
  expect(() => buildIndex([BASE], { version: 3 })).toThrow(indexLimit);
});

test("more than 255 formats do not fit", () => {
  const entries = Array.from({ length: 256 }, (_, i) => ({
    ...BASE,
    contentId: numbered(i),
    compressionHeaderId: i,
  }));
  expect(() => buildIndex(entries, { version: 2 })).toThrow(indexLimit);
  const reader = openIndex(buildIndex(entries.slice(0, 255), { version: 2 }), "b");
  expect(reader.compressionHeaderIdAt(254)).toBe(254);
});

test("more than 65,536 packs take a third byte of pack number", () => {
  const entries = Array.from({ length: 65_540 }, (_, i) => ({
    ...BASE,
    contentId: numbered(i),
    packBlobId: `p${i}`,
  }));
  const reader = openIndex(buildIndex(entries, { version: 2 }), "b");
  expect(reader.strideBytes).toBe(17 + 18);
  for (const position of [0, 65_535, 65_536, 65_539]) {
    expect(reader.packBlobIdAt(position)).toBe(`p${position}`);
  }
});

test("keys of different lengths do not mix", () => {
  expect(() => buildIndex([BASE, { ...BASE, contentId: "00".repeat(32) }], { version: 2 })).toThrow(
    expect.objectContaining({ code: "CONTENT_ID_INVALID" }),
  );
});

test("large indexes are split by the hash of the ID, each part sorted", () => {
  const table = new ContentEntryTable(17);
  for (let i = 0; i < 1000; i++) table.set({ ...BASE, contentId: numbered(i * 7919) });
  const shards = buildIndexShards(table, { version: 2, maxEntriesPerShard: 300 });
  expect(shards.length).toBe(4);
  let total = 0;
  for (const [shard, bytes] of shards.entries()) {
    const reader = openIndex(bytes, "b");
    total += reader.entryCount;
    for (let position = 0; position < reader.entryCount; position++) {
      expect(indexShardOf(reader.contentIdAt(position), 4)).toBe(shard);
    }
  }
  expect(total).toBe(1000);
});
