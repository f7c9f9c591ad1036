import { expect, test } from "vitest";
import type { ContentEntry } from "../content-entry.ts";
import { contentIdToKey } from "../content-id.ts";
import { buildIndex } from "./build-index.ts";
import { LookupTable } from "./lookup-table.ts";
import { openIndex } from "./open-index.ts";

const ENTRY_COUNT = 400;

/** IDs that are spread as hashes are; `seed` tells blobs apart, `i % 4` is the same in all of them. */
function contentIdAt(seed: number, i: number): string {
  const value = Math.imul(i % 4 === 0 ? i + 1 : (seed + 1) * 1000 + i, 0x9e3779b1) >>> 0;
  return value.toString(16).padStart(8, "0").repeat(4);
}

function blob(seed: number): Uint8Array {
  const entries = Array.from({ length: ENTRY_COUNT }, (_, i): ContentEntry => ({
    contentId: contentIdAt(seed, i),
    packBlobId: `p${seed}`,
    timestampSeconds: 1_700_000_000 + seed,
    packOffset: i,
    packedLength: 1,
    originalLength: 1,
    deleted: false,
    compressionHeaderId: 0,
    formatVersion: 2,
    encryptionKeyId: 0,
  }));
  return buildIndex(entries, { version: 2 });
}

test("few lookups make no table; with many the answers stay the same", () => {
  const readers = [0, 1, 2].map((seed) => openIndex(blob(seed), `xn0_${seed}`));
  const table = new LookupTable(false);
  const indexBytes = readers.reduce((sum, { bytes }) => sum + bytes.length, 0);
  table.insertAll(readers);
  const numbersOf = (): number[] => {
    const numbers: number[] = [];
    for (let seed = 0; seed < 3; seed++) {
      for (let i = 0; i < 6; i++) {
        expect(table.find(contentIdToKey(contentIdAt(seed, i)), 0)).toBe(true);
        // What is in all of them counts as the newest says.
        const expected = i % 4 === 0 ? "p2" : `p${seed}`;
        expect(table.foundReader.packBlobIdAt(table.foundPosition)).toBe(expected);
        numbers.push(table.foundNumber);
      }
    }
    return numbers;
  };
  const searched = numbersOf();
  expect(table.residentBytes).toBe(indexBytes);
  expect(new Set(searched).size).toBe(14);
  for (let i = 0; i < ENTRY_COUNT; i++) table.find(contentIdToKey(contentIdAt(9, 1)), 0);
  expect(table.residentBytes).toBeGreaterThan(indexBytes);
  expect(numbersOf()).toEqual(searched);
  expect(table.keyCount).toBe(3 * ENTRY_COUNT - 2 * (ENTRY_COUNT / 4));
  // Numbers that need another bit: all slots are made anew.
  table.insertAll([3, 4, 5, 6, 7, 8].map((seed) => openIndex(blob(seed), `xn0_${seed}`)));
  expect(table.keyCount).toBe(9 * ENTRY_COUNT - 8 * (ENTRY_COUNT / 4));
  expect(table.find(contentIdToKey(contentIdAt(8, 3)), 0)).toBe(true);
  expect(table.foundNumber).toBeLessThan(table.entryCount);
  expect(table.find(contentIdToKey(contentIdAt(9, 1)), 0)).toBe(false);
});
