import fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryEntry, mergePlainly } from "../../../test/indexes/arbitrary-entries.ts";
import { fuzzRuns } from "../../testing/fuzz-runs.ts";
import type { ContentEntry } from "../content-entry.ts";
import { contentIdsStartingWith, contentIdToKey, isInContentIdRange } from "../content-id.ts";
import { buildIndex } from "./build-index.ts";
import { CommittedIndex, type IndexBlobBytes } from "./committed-index.ts";

const numRuns = fuzzRuns(150);

const entryList = fc.array(arbitraryEntry({ version: 1, distinctIds: 25, timestamps: 6 }), {
  minLength: 1,
  maxLength: 30,
});
/** Blobs of either version with overlapping contents. */
const blobLists = fc.array(fc.tuple(entryList, fc.constantFrom(1, 2)), { maxLength: 6 });

function blobsOf(
  lists: readonly (readonly [ContentEntry[], number])[],
  epoch = 0,
): IndexBlobBytes[] {
  return lists.map(([entries, version], i) => ({
    blobId: `xn${epoch}_${i}`,
    bytes: buildIndex(entries, { version }),
  }));
}

function checkAgainst(index: CommittedIndex, all: readonly ContentEntry[]): void {
  const { watermarkSeconds } = index;
  const visible = mergePlainly(all).filter(
    (entry) =>
      !(watermarkSeconds > 0 && entry.deleted && entry.timestampSeconds <= watermarkSeconds),
  );
  expect([...index.entries({ includeDeleted: true })]).toEqual(visible);
  expect([...index.entries()]).toEqual(visible.filter((entry) => !entry.deleted));
  for (const prefix of ["", "k", "m", visible[0]?.contentId.slice(0, 2) ?? "0"]) {
    const range = contentIdsStartingWith(prefix);
    const wanted = visible.filter((entry) => isInContentIdRange(entry.contentId, range));
    const visited: ContentEntry[] = [];
    const visit = (reader: { entryAt(i: number): ContentEntry }, position: number): void => {
      visited.push(reader.entryAt(position));
    };
    index.forEach(visit, { range, includeDeleted: true });
    expect(visited).toEqual(wanted);
  }
  const numbers = new Set<number>();
  for (const { contentId } of visible) numbers.add(index.numberOf(contentId));
  expect(numbers.size).toBe(visible.length);
  for (const number of numbers) {
    expect(number).toBeGreaterThanOrEqual(0);
    expect(number).toBeLessThan(index.entryCount);
  }
  for (const { contentId } of all) {
    const wanted = visible.find((entry) => entry.contentId === contentId);
    expect(index.lookup(contentId)).toEqual(wanted);
    const presence = wanted === undefined ? 0 : wanted.deleted ? 2 : 1;
    expect(index.has(contentId)).toBe(presence);
    expect(index.hasKey(contentIdToKey(contentId))).toBe(presence);
  }
}

test("equals the plain merge, in whatever steps blobs come, with any watermark", () => {
  fc.assert(
    fc.property(blobLists, fc.nat({ max: 7 }), fc.nat({ max: 6 }), (lists, watermark, split) => {
      const blobs = blobsOf(lists);
      const index = new CommittedIndex();
      // Blobs of 1, 2 or 3 entries count as large: they are searched in place.
      const largeEntryCount = 1 + (split % 3);
      const searched = new CommittedIndex({ largeEntryCount });
      searched.watermarkSeconds = watermark;
      searched.add(blobs.slice(0, split));
      searched.add(blobs);
      checkAgainst(
        searched,
        lists.flatMap(([entries]) => entries),
      );
      index.watermarkSeconds = watermark;
      index.add(blobs.slice(0, split));
      index.add(blobs);
      expect(index.blobIds).toEqual(blobs.map((blob) => blob.blobId));
      expect(index.contentCount).toBe(mergePlainly(lists.flatMap(([entries]) => entries)).length);
      checkAgainst(
        index,
        lists.flatMap(([entries]) => entries),
      );
    }),
    { numRuns },
  );
});

test("forgotten blobs leave no trace", () => {
  fc.assert(
    fc.property(blobLists, fc.nat({ max: 63 }), (lists, kept) => {
      const blobs = blobsOf(lists);
      const index = new CommittedIndex();
      index.add(blobs);
      index.retain(new Set(blobs.filter((_, i) => (kept >> i) & 1).map((blob) => blob.blobId)));
      checkAgainst(
        index,
        lists.filter((_, i) => (kept >> i) & 1).flatMap(([entries]) => entries),
      );
      index.add(blobs);
      checkAgainst(
        index,
        lists.flatMap(([entries]) => entries),
      );
    }),
    { numRuns },
  );
});

test("an iteration keeps what it began with; a shared index answers the same", () => {
  fc.assert(
    fc.property(blobLists, blobLists, (lists, others) => {
      const all = lists.flatMap(([entries]) => entries);
      const index = new CommittedIndex({ shared: true });
      index.add(blobsOf(lists));
      checkAgainst(CommittedIndex.fromShared(structuredClone(index.share())), all);
      const searched = new CommittedIndex({ largeEntryCount: 2 });
      searched.add(blobsOf(lists));
      checkAgainst(CommittedIndex.fromShared(structuredClone(searched.share())), all);
      const iteration = index.entries({ includeDeleted: true });
      const seen = [iteration.next().value];
      index.add(blobsOf(others, 1));
      index.retain(new Set());
      index.watermarkSeconds = 100;
      seen.push(...iteration);
      expect(seen.filter((entry) => entry !== undefined)).toEqual(mergePlainly(all));
    }),
    { numRuns },
  );
});
