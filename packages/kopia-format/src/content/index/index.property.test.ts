import fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryEntry, mergePlainly } from "../../../test/indexes/arbitrary-entries.ts";
import { isKopiaError } from "../../base/errors.ts";
import { fuzzRuns } from "../../testing/fuzz-runs.ts";
import type { ContentEntry } from "../content-entry.ts";
import { contentIdToKey } from "../content-id.ts";
import { buildIndex } from "./build-index.ts";
import { INVALID_PACK_BLOB_ID, type IndexReader } from "./index-reader.ts";
import { openIndex } from "./open-index.ts";

const numRuns = fuzzRuns(150);
const VERSIONS = [1, 2] as const;

function entriesOf(reader: IndexReader): ContentEntry[] {
  return Array.from({ length: reader.entryCount }, (_, position) => reader.entryAt(position));
}

test.each(VERSIONS)("version %i: what is built reads back, merged and sorted", (version) => {
  const entries = fc.array(arbitraryEntry({ version, distinctIds: 40, timestamps: 3 }), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(entries, (list) => {
      const reader = openIndex(buildIndex(list, { version }), "b");
      expect(entriesOf(reader)).toEqual(mergePlainly(list));
    }),
    { numRuns },
  );
});

test.each(VERSIONS)("version %i: find and lowerBound agree with the sorted list", (version) => {
  const entries = fc.array(arbitraryEntry({ version, distinctIds: 100 }), {
    minLength: 1,
    maxLength: 50,
  });
  fc.assert(
    fc.property(entries, arbitraryEntry({ version, distinctIds: 100 }), (list, other) => {
      const reader = openIndex(buildIndex(list, { version }), "b");
      const ids = entriesOf(reader).map((entry) => entry.contentId);
      for (const id of [...ids, other.contentId]) {
        expect(reader.find(contentIdToKey(id))).toBe(ids.indexOf(id));
      }
      for (const text of [other.contentId, other.contentId.slice(0, 3), "", "k", "{"]) {
        expect(reader.lowerBound(text)).toBe(ids.filter((id) => id < text).length);
      }
    }),
    { numRuns },
  );
});

test.each(VERSIONS)("version %i: a truncation is refused, or the entries show it", (version) => {
  const entries = fc.array(arbitraryEntry({ version }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(entries, (list) => {
      const bytes = buildIndex(list, { version });
      for (let length = 0; length < bytes.length; length++) {
        const reader = openUnlessCorrupt(bytes.subarray(0, length));
        if (reader === undefined) continue;
        // Only pack names, which stand at the end, may be cut off.
        const packIds = entriesOf(reader).map((entry) => entry.packBlobId);
        expect(packIds).toContain(INVALID_PACK_BLOB_ID);
      }
    }),
    { numRuns: Math.ceil(numRuns / 5) },
  );
});

function openUnlessCorrupt(bytes: Uint8Array): IndexReader | undefined {
  try {
    return openIndex(bytes, "b");
  } catch (error) {
    expect(isKopiaError(error, "INDEX_CORRUPT")).toBe(true);
    return undefined;
  }
}
