import * as fc from "fast-check";
import { expect, test } from "vitest";
import { utf8Encode } from "@kopia-engine/kopia-format";
import { ListedDirectory, type ListingColumns } from "../fs/listed-directory.ts";
import { ENTRY_NUMBER } from "../fs/lstat-numbers.ts";
import type { LocalEntry } from "../fs/local-directory.ts";
import { buildDirectory } from "../model/build-directory.ts";
import { encodeDirectory } from "../model/directory-codec.ts";
import { toDirectoryEntry } from "./directory-task.ts";
import { matchListing } from "./match-listing.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 200);
const NUMBERS = Object.entries(ENTRY_NUMBER).filter(
  ([name]) => !["device", "count"].includes(name),
);
/** Before the content ID of an object: none, lists of one and two levels, compression. */
const MARKS = ["", "I", "IIZ", "Z"];
const contentIdOf = (i: number): string => `${i % 2 === 0 ? "" : "x"}ab0${i}`;
const PLAIN_NAME = /^[ -~]+$/;

const entry = fc.record({
  name: fc.oneof(
    fc.stringMatching(/^[a-z0-9._-]{1,12}$/),
    fc.string({ minLength: 1, maxLength: 6, unit: "binary" }),
  ),
  isLink: fc.boolean(),
  permissions: fc.constantFrom(0o644, 0o755, 0o4711, 0o1000, 0),
  sizeBytes: fc.oneof(fc.constant(0), fc.nat(), fc.maxSafeNat()),
  uid: fc.constantFrom(0, 1000, 2 ** 32 - 1),
  gid: fc.constantFrom(0, 1000),
  seconds: fc.oneof(fc.constantFrom(0, 1, 86_399, 86_400, 1_709_210_000), fc.nat(4_000_000_000)),
  nanoseconds: fc.constantFrom(0, 1, 120_000_000, 999_999_999, 123_456_789),
});
const entries = fc.uniqueArray(entry, { minLength: 1, maxLength: 6, selector: ({ name }) => name });

function columnsOf(values: readonly Entry[]): ListingColumns {
  const sorted = values.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    names: sorted.map(({ name }) => name),
    numbers: Float64Array.from(
      sorted.flatMap((value) => [
        (value.isLink ? 0o120000 : 0o100000) | value.permissions,
        value.sizeBytes,
        value.uid,
        value.gid,
        value.seconds,
        value.nanoseconds,
        1,
      ]),
    ),
  };
}

interface Entry {
  readonly name: string;
  readonly isLink: boolean;
  readonly permissions: number;
  readonly sizeBytes: number;
  readonly uid: number;
  readonly gid: number;
  readonly seconds: number;
  readonly nanoseconds: number;
}

function listingOf(columns: ListingColumns): {
  bytes: Uint8Array;
  listing: ReturnType<typeof buildDirectory>;
} {
  const listed = new ListedDirectory(columns);
  const found = columns.names.map((_, i) => {
    const local = listed.entryAt(i) as LocalEntry;
    const objectId = `${MARKS[i % MARKS.length]}${contentIdOf(i)}`;
    return toDirectoryEntry(local, { objectId, sizeBytes: local.sizeBytes });
  });
  const listing = buildDirectory({ entries: found, modTime: 0n });
  return { bytes: encodeDirectory(listing), listing };
}

test("a listing matches the directory it was made of, whose summary it gives", () => {
  let matches = 0;
  fc.assert(
    fc.property(entries, (values) => {
      const columns = columnsOf(values);
      const { bytes, listing } = listingOf(columns);
      const matched = matchListing(bytes, new ListedDirectory(columns));
      if (matched === undefined) {
        // It may decline what is rare, never what is usual.
        const isUsual = values.every(
          ({ name, seconds, sizeBytes }) =>
            PLAIN_NAME.test(name) && !/["\\<>&]/.test(name) && seconds > 0 && sizeBytes < 1e14,
        );
        expect(isUsual).toBe(false);
        return;
      }
      matches++;
      expect(matched.summary).toEqual(listing.summary);
      expect(matched.entryCount).toBe(values.length);
      expect(matched.sizeBytes).toBe(values.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
      expect(matched.keyLength).toBe(3);
      // Of the letter before the hash 0 is left where there is none (spec 1 §7.1).
      const keys = values.map((_, i) => (i % 2 === 0 ? [0, 0xab, i] : [0x78, 0xab, i]));
      expect([...matched.keys]).toEqual(keys.flat());
    }),
    { numRuns },
  );
  expect(matches).toBeGreaterThan(0);
});

test("it matches nothing that differs in an attribute, a name, an object, or a byte", () => {
  fc.assert(
    fc.property(entries, fc.nat(), fc.nat(), (values, place, change) => {
      const columns = columnsOf(values);
      const { bytes } = listingOf(columns);
      const match = (data: Uint8Array, of: ListingColumns): unknown =>
        matchListing(data, new ListedDirectory(of));
      const index = place % values.length;
      for (const [, number] of NUMBERS) {
        const numbers = columns.numbers.slice();
        const at = index * ENTRY_NUMBER.count + number;
        numbers[at] = number === ENTRY_NUMBER.posixMode ? numbers[at]! ^ 0o40 : numbers[at]! + 1;
        expect(match(bytes, { ...columns, numbers })).toBeUndefined();
      }
      const names = columns.names.with(index, `${columns.names[index] as string}x`);
      expect(match(bytes, { ...columns, names })).toBeUndefined();
      const fewer = { ...columns, names: columns.names.slice(1) };
      expect(match(bytes, fewer)).toBeUndefined();
      const at = change % bytes.length;
      const changed = bytes.slice();
      changed[at]! ^= 1 << (place % 7);
      // Object IDs are whatever they are; every other byte counts.
      const before = new TextDecoder("latin1").decode(bytes.subarray(0, at));
      const isInObjectId = /"obj":"[^"]*$/.test(before);
      if (!isInObjectId) expect(match(changed, columns)).toBeUndefined();
      expect(match(bytes.subarray(0, at), columns)).toBeUndefined();
      const more = new Uint8Array([...bytes, ...utf8Encode(" ")]);
      expect(match(more, columns)).toBeUndefined();
    }),
    { numRuns },
  );
});
