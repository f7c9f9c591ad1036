import { expect, test } from "vitest";
import { seededRandom } from "../../testing/seeded.ts";
import type { ContentEntry } from "../content-entry.ts";
import { formatContentId } from "../content-id.ts";
import { buildIndex } from "./build-index.ts";
import { CommittedIndex } from "./committed-index.ts";
import { entryWins } from "./entry-order.ts";

const ENTRY: ContentEntry = {
  contentId: "00".repeat(16),
  packBlobId: "p00",
  timestampSeconds: 10,
  packOffset: 32,
  packedLength: 100,
  originalLength: 72,
  deleted: false,
  compressionHeaderId: 0,
  formatVersion: 3,
  encryptionKeyId: 0,
};

function blob(blobId: string, ...entries: ContentEntry[]): { blobId: string; bytes: Uint8Array } {
  return { blobId, bytes: buildIndex(entries, { version: 2 }) };
}

test("the later entry wins, then the one not deleted, then the larger pack ID", () => {
  const base = { timestampSeconds: 10, deleted: true, packBlobId: "p5" };
  expect(entryWins({ ...base, timestampSeconds: 11 }, { ...base, deleted: false })).toBe(true);
  expect(entryWins({ ...base, timestampSeconds: 9, deleted: false }, base)).toBe(false);
  expect(entryWins({ ...base, deleted: false, packBlobId: "p0" }, base)).toBe(true);
  expect(entryWins({ ...base, packBlobId: "p6" }, base)).toBe(true);
  expect(entryWins(base, base)).toBe(false);
});

test("an empty index knows nothing and asks for no length", () => {
  const index = new CommittedIndex();
  expect([index.lookup("00"), index.has("k00"), [...index.entries()]]).toEqual([undefined, 0, []]);
});

test("a blob with another key length is refused and changes nothing (spec 1 §13.14)", () => {
  const index = new CommittedIndex();
  index.add([blob("a", ENTRY)]);
  const longer = { ...ENTRY, contentId: "11".repeat(32) };
  const more = [blob("b", { ...ENTRY, contentId: "22".repeat(16) }), blob("c", longer)];
  expect(() => index.add(more)).toThrow(expect.objectContaining({ code: "INDEX_CORRUPT" }));
  expect(index.blobIds).toEqual(["a"]);
  expect(index.contentCount).toBe(1);
  expect(() => index.lookup(longer.contentId)).toThrow(
    expect.objectContaining({ code: "CONTENT_ID_INVALID" }),
  );
});

test("deleted contents are told apart until the watermark passes", () => {
  const index = new CommittedIndex();
  index.add([blob("a", { ...ENTRY, deleted: true })]);
  expect(index.has(ENTRY.contentId)).toBe(2);
  expect(index.lookup(ENTRY.contentId)?.deleted).toBe(true);
  index.watermarkSeconds = 9;
  expect(index.has(ENTRY.contentId)).toBe(2);
  index.watermarkSeconds = 10;
  expect(index.has(ENTRY.contentId)).toBe(0);
  expect(index.lookup(ENTRY.contentId)).toBeUndefined();
});

test("memory stays below 64 bytes an entry", () => {
  const entries: ContentEntry[] = [];
  for (let i = 0; i < 20_000; i++) {
    const contentId = (Math.imul(i, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0").repeat(4);
    entries.push({ ...ENTRY, contentId });
  }
  const index = new CommittedIndex();
  index.add([blob("a", ...entries)]);
  expect(index.contentCount).toBe(20_000);
  expect(index.residentBytes / 20_000).toBeLessThan(64);
  // One at a time: growing keeps within the same bound.
  const grown = new CommittedIndex();
  for (let i = 0; i < 200; i++)
    grown.add([blob(`b${i}`, ...entries.slice(i * 100, i * 100 + 100))]);
  expect(grown.contentCount).toBe(20_000);
  expect(grown.residentBytes / 20_000).toBeLessThan(64);
});

test("keys of a large blob are found wherever they are, and others are not", () => {
  const random = seededRandom(11);
  const ids = Array.from({ length: 3000 }, (_, number) => {
    // Even, crowded at one place, and with a prefix: no spread may lose a key.
    const hash = random(16);
    if (number % 3 === 1) hash.fill(0x80, 0, 12);
    return formatContentId(number % 3 === 2 ? "k" : "", hash);
  });
  const wanted = ids.slice(0, 2000);
  const entries = wanted.map((contentId) => ({ ...ENTRY, contentId }));
  const index = new CommittedIndex({ largeEntryCount: 100 });
  index.add([{ blobId: "large", bytes: buildIndex(entries, { version: 2 }) }]);
  for (const id of wanted) expect(index.lookup(id)?.contentId).toBe(id);
  for (const id of ids.slice(2000)) expect(index.has(id)).toBe(0);
});
