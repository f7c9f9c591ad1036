import fc from "fast-check";
import type { DirectoryEntry, DirectoryListing } from "../src/model/directory-entry.ts";

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const size = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const time = fc.oneof(
  int64,
  fc.bigInt({ min: 0n, max: 2n ** 61n }).map((ns) => ns - (ns % 1_000_000n)),
);
/** Names and messages. */
export const madeUpText = fc.string({ unit: "grapheme" });
const count = fc.nat({ max: 1_000_000 });

const summary = fc.record({
  totalFileSizeBytes: size,
  fileCount: count,
  symlinkCount: count,
  directoryCount: count,
  maxModTime: time,
  fatalErrorCount: count,
  ignoredErrorCount: count,
  failedEntries: fc.array(fc.record({ path: madeUpText, error: madeUpText }), { maxLength: 2 }),
});

/** Entries of every kind, with and without a summary. */
export function madeUpEntries(objectId: fc.Arbitrary<string>): fc.Arbitrary<DirectoryEntry> {
  const shape = {
    name: madeUpText,
    type: fc.constantFrom("f", "d", "s"),
    mode: fc.nat({ max: 2 ** 31 - 1 }),
    sizeBytes: size,
    modTime: time,
    uid: fc.nat({ max: 2 ** 32 - 1 }),
    gid: fc.nat({ max: 2 ** 32 - 1 }),
    objectId,
  };
  return fc.oneof(fc.record(shape), fc.record({ ...shape, summary }));
}

/** Listings of a few such entries, with and without a summary. */
export function madeUpListings(
  entry: fc.Arbitrary<DirectoryEntry>,
): fc.Arbitrary<DirectoryListing> {
  const entries = fc.array(entry, { maxLength: 6 });
  return fc.oneof(fc.record({ entries }), fc.record({ entries, summary }));
}
