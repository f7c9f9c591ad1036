import fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryEntry, mergePlainly } from "../../../test/indexes/arbitrary-entries.ts";
import { fuzzRuns } from "../../testing/fuzz-runs.ts";
import type { ContentEntry, ContentId } from "../content-entry.ts";
import { contentIdToKey, keyToContentId } from "../content-id.ts";
import { ContentEntryTable } from "./entry-table.ts";

const numRuns = fuzzRuns(200);
const KEY_LENGTH = 17;

const entry = arbitraryEntry({ version: 2, distinctIds: 30, timestamps: 5 });
const step = fc.oneof(
  { weight: 6, arbitrary: entry.map((value) => ({ kind: "set" as const, value })) },
  { weight: 6, arbitrary: entry.map((value) => ({ kind: "merge" as const, value })) },
  { weight: 3, arbitrary: entry.map((value) => ({ kind: "delete" as const, value })) },
);

test("behaves like a Map of entries", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const table = new ContentEntryTable(KEY_LENGTH);
      const model = new Map<ContentId, ContentEntry>();
      for (const { kind, value } of steps) {
        const present = model.get(value.contentId);
        if (kind === "delete") {
          expect(table.delete(value.contentId)).toBe(model.delete(value.contentId));
        } else if (kind === "set") {
          table.set(value);
          model.set(value.contentId, value);
        } else {
          const winner = mergePlainly(present === undefined ? [value] : [present, value])[0];
          const taken = table.merge(value);
          expect(taken).toBe(present === undefined || winner !== present);
          model.set(value.contentId, winner as ContentEntry);
        }
        expect(table.get(value.contentId)).toEqual(model.get(value.contentId));
        const after = model.get(value.contentId);
        expect(table.has(value.contentId)).toBe(after === undefined ? 0 : after.deleted ? 2 : 1);
        expect(table.hasKey(contentIdToKey(value.contentId))).toBe(table.has(value.contentId));
      }
      expect(table.size).toBe(model.size);
      const byId = (a: ContentEntry, b: ContentEntry): number =>
        a.contentId < b.contentId ? -1 : 1;
      expect([...table.entries()].sort(byId)).toEqual([...model.values()].sort(byId));
      expect(sortedIds(table)).toEqual([...model.keys()].sort());
    }),
    { numRuns },
  );
});

test("many entries are sorted by key, made-up ones as well", () => {
  for (const spread of [1, 65_537, 2 ** 31 - 1]) {
    const table = new ContentEntryTable(KEY_LENGTH);
    const ids: string[] = [];
    for (let i = 0; i < 6000; i++) {
      const prefix = ["", "k", "m"][i % 3] as string;
      ids.push(prefix + ((i * spread) % 2 ** 31).toString(16).padStart(8, "0").padEnd(32, "0"));
    }
    for (const contentId of ids) table.set({ ...SAMPLE, contentId });
    expect(table.size).toBe(new Set(ids).size);
    expect(sortedIds(table)).toEqual([...new Set(ids)].sort());
  }
});

const SAMPLE: ContentEntry = {
  contentId: "",
  packBlobId: "p1",
  timestampSeconds: 2 ** 40 + 7,
  packOffset: 1,
  packedLength: 2 ** 32 - 1,
  originalLength: 3,
  deleted: false,
  compressionHeaderId: 0,
  formatVersion: 3,
  encryptionKeyId: 0,
};

test("clear forgets everything, values beyond 32 bits survive, other key lengths are refused", () => {
  const table = new ContentEntryTable(3);
  const value = { ...SAMPLE, contentId: "0102" };
  table.set(value);
  expect(table.get("0102")).toEqual(value);
  table.clear();
  expect([table.size, table.get("0102"), [...table.entries()]]).toEqual([0, undefined, []]);
  expect(() => table.get("010203")).toThrow(
    expect.objectContaining({ code: "CONTENT_ID_INVALID" }),
  );
  expect(() => new ContentEntryTable(1)).toThrow(expect.objectContaining({ code: "INDEX_LIMIT" }));
  expect(() => new ContentEntryTable(34)).toThrow(expect.objectContaining({ code: "INDEX_LIMIT" }));
});

function sortedIds(table: ContentEntryTable): string[] {
  const { records } = table;
  return Array.from(table.sortedRecords(), (record) => {
    const offset = records.offsetOf(record);
    return keyToContentId(records.bytesOf(record).subarray(offset, offset + table.keyLength));
  });
}
