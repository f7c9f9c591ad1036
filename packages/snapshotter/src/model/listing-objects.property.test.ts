import fc from "fast-check";
import { expect, test } from "vitest";
import { madeUpEntries, madeUpListings } from "../../test/made-up-listings.ts";
import { decodeDirectory, encodeDirectory } from "./directory-codec.ts";
import type { DirectoryListing } from "./directory-entry.ts";
import { listingObjects } from "./listing-objects.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 100);

const hex = fc.stringMatching(/^[0-9a-f]{32}$/);
const objectId = fc.tuple(fc.constantFrom("", "", "k", "x"), hex).map((parts) => parts.join(""));
const listing = madeUpListings(madeUpEntries(objectId));

/** What the entries say: a key of each content, and the IDs of sub-directories. */
function objectsOf({ entries: all }: DirectoryListing): { keys: string; directories: string[] } {
  const keyOf = (id: string): string =>
    id.length === 33 ? `${Buffer.from(id[0] as string).toString("hex")}${id.slice(1)}` : `00${id}`;
  return {
    keys: all.map(({ objectId: id }) => keyOf(id)).join(""),
    directories: all.filter(({ type }) => type === "d").map(({ objectId: id }) => id),
  };
}

function found(data: Uint8Array): { keys: string; directories: readonly string[] } | undefined {
  const objects = listingObjects(data);
  if (objects === undefined) return undefined;
  return { keys: Buffer.from(objects.keys).toString("hex"), directories: objects.directories };
}

test("the objects are those of the entries", () => {
  fc.assert(
    fc.property(listing, (value) => {
      expect(found(encodeDirectory(value))).toEqual(objectsOf(value));
    }),
    { numRuns },
  );
});

test("names and errors that look like objects are none", () => {
  const name = '","obj":"kffffffffffffffffffffffffffffffff"},{"name":"';
  const id = "0123456789abcdef0123456789abcdef";
  const shared = { type: "f", mode: 0o644, sizeBytes: 1n, modTime: 1n, uid: 0, gid: 0 } as const;
  const value = { entries: [{ ...shared, name, objectId: id }] };
  expect(found(encodeDirectory(value))).toEqual({ keys: `00${id}`, directories: [] });
});

test.each([
  ["of several contents", "Ixabc"],
  ["of several contents, with a whole key", "Ix0123456789abcdef0123456789abcdef"],
  ["that is compressed", "Z0123456789abcdef0123456789abcdef"],
  ["that is missing", ""],
  ["that is not hex", "kqqqq"],
  ["of half a byte", "abc"],
])("a listing with an object %s is left to others", (_what, id) => {
  const value = {
    entries: [
      { name: "a", type: "f", mode: 0, sizeBytes: 1n, modTime: 1n, uid: 0, gid: 0, objectId: id },
    ],
  } satisfies DirectoryListing;
  expect(listingObjects(encodeDirectory(value))).toBeUndefined();
});

test("no cut and no changed byte hides an object from who reads it otherwise", () => {
  fc.assert(
    fc.property(
      listing,
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      fc.boolean(),
      (value, place, flip, isCut) => {
        const bytes = encodeDirectory(value);
        const at = place % bytes.length;
        bytes[at] = (bytes[at] as number) ^ flip;
        const data = isCut ? bytes.subarray(0, at) : bytes;
        const objects = found(data);
        if (objects === undefined) return;
        let decoded: DirectoryListing;
        try {
          decoded = decodeDirectory(data);
        } catch {
          // It says more than the general way accepts: nothing is overlooked.
          return;
        }
        expect(objects).toEqual(objectsOf(decoded));
      },
    ),
    { numRuns: numRuns * 10 },
  );
});
