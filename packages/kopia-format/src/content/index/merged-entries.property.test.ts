import fc from "fast-check";
import { expect, test } from "vitest";
import { isKopiaError } from "../../base/errors.ts";
import { fuzzRuns } from "../../testing/fuzz-runs.ts";
import type { ContentEntry } from "../content-entry.ts";
import { buildIndex, buildIndexShards } from "./build-index.ts";
import { ContentEntryTable } from "./entry-table.ts";
import { MergedEntries } from "./merged-entries.ts";
import { openIndex } from "./open-index.ts";

/** Few IDs, so that indexes share them; times and packs that decide between their entries. */
const entry: fc.Arbitrary<ContentEntry> = fc.record({
  contentId: fc.constantFrom(
    ...["", "k", "m"].flatMap((prefix) =>
      ["00", "a1", "ff"].map((byte) => prefix + byte.repeat(4)),
    ),
  ),
  packBlobId: fc.constantFrom("p1", "p2", "q3"),
  timestampSeconds: fc.integer({ min: 1, max: 3 }),
  packOffset: fc.constant(8),
  packedLength: fc.constant(40),
  originalLength: fc.constant(12),
  deleted: fc.boolean(),
  compressionHeaderId: fc.constant(0),
  formatVersion: fc.constant(2),
  encryptionKeyId: fc.constant(0),
});
const indexes = fc.array(fc.array(entry, { minLength: 1, maxLength: 12 }), { maxLength: 5 });

test("indexes merge to the same bytes as a table of all their entries", () => {
  fc.assert(
    fc.property(
      indexes,
      fc.constantFrom(1, 2),
      fc.integer({ min: 1, max: 9 }),
      (lists, version, maxEntriesPerShard) => {
        const table = new ContentEntryTable(5);
        for (const listed of lists.flat()) table.merge(listed);
        const readers = lists.map((listed, i) =>
          openIndex(buildIndex(listed, { version }), `x${i}`),
        );
        const merged = new MergedEntries(readers);
        expect(merged.size).toBe(table.size);
        const options = { version, maxEntriesPerShard };
        expect(buildIndexShards(merged, options)).toEqual(buildIndexShards(table, options));
      },
    ),
    { numRuns: fuzzRuns(300) },
  );
});

test("an entry that is not kept uncovers no older one", () => {
  const index = (seconds: number, deleted: boolean) =>
    openIndex(
      buildIndex(
        [{ ...fc.sample(entry, { numRuns: 1, seed: 1 })[0]!, timestampSeconds: seconds, deleted }],
        { version: 2 },
      ),
      `x${seconds}`,
    );
  const readers = [index(1, false), index(2, true)];
  expect(new MergedEntries(readers).size).toBe(1);
  const kept = new MergedEntries(readers, (reader, position) => !reader.isDeletedAt(position));
  expect(kept.size).toBe(0);
  expect(buildIndexShards(kept, { version: 2 })).toEqual([]);
});

test("hashes of different lengths do not go into one index", () => {
  const [sample] = fc.sample(entry, 1);
  const indexOf = (contentId: string) =>
    openIndex(buildIndex([{ ...sample!, contentId }], { version: 2 }), "x");
  expect(() => new MergedEntries([indexOf("00112233"), indexOf("0011223344")])).toThrow(
    expect.toSatisfy((error) => isKopiaError(error, "CONTENT_ID_INVALID")),
  );
});
