import { isKopiaError, utf8Encode } from "@kopia-engine/kopia-format";
import fc from "fast-check";
import { expect, test } from "vitest";
import { madeUpEntries, madeUpListings, madeUpText } from "../../test/made-up-listings.ts";
import { buildDirectory, compareEntries } from "./build-directory.ts";
import { parseDirectory } from "./decode-directory.ts";
import { decodeDirectory, encodeDirectory } from "./directory-codec.ts";
import { scanDirectory } from "./scan-directory.ts";
import { compareUtf8 } from "./name-order.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 100);

const entry = madeUpEntries(
  fc.string({ unit: fc.constantFrom(...Array.from("0123456789abcdefIkx")) }),
);
const listing = madeUpListings(entry);

test("decode undoes encode, and both ways of reading agree", () => {
  fc.assert(
    fc.property(listing, (value) => {
      const bytes = encodeDirectory(value);
      expect(scanDirectory(bytes)).toEqual(value);
      expect(scanDirectory(bytes, "portable")).toEqual(value);
      expect(parseDirectory(bytes, "k0")).toEqual(value);
      expect(encodeDirectory(decodeDirectory(bytes))).toEqual(bytes);
    }),
    { numRuns },
  );
});

test("every truncation is refused, except the one that only loses the final line feed", () => {
  fc.assert(
    fc.property(listing, fc.nat(), (value, cut) => {
      const bytes = encodeDirectory(value);
      const length = cut % (bytes.length - 1);
      expect(() => decodeDirectory(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: "DIRECTORY_CORRUPT" }),
      );
      expect(decodeDirectory(bytes.subarray(0, -1))).toEqual(value);
    }),
    { numRuns },
  );
});

test("a changed byte is refused, or read the same by both ways", () => {
  fc.assert(
    fc.property(listing, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, place, flip) => {
      const bytes = encodeDirectory(value);
      const at = place % bytes.length;
      bytes[at] = (bytes[at] as number) ^ flip;
      const fast = scanDirectory(bytes);
      expect(scanDirectory(bytes, "portable")).toEqual(fast);
      if (fast === undefined) {
        expectListingOrRefusal(bytes);
        return;
      }
      expect(parseDirectory(bytes, "k0")).toEqual(fast);
    }),
    { numRuns: numRuns * 5 },
  );
});

test("an escaped byte that is no UTF-8 is refused by both ways", () => {
  const text = String.raw`{"stream":"kopia:directory","entries":[{"name":"a\?","type":"f"}],"summary":null}`;
  const bytes = new TextEncoder().encode(text);
  const place = bytes.indexOf(0x3f);
  bytes[place] = 0xe0;
  expect(scanDirectory(bytes)).toBeUndefined();
  expect(scanDirectory(bytes, "portable")).toBeUndefined();
  expectListingOrRefusal(bytes);
});

test("the order of entries is that of their bytes", () => {
  fc.assert(
    fc.property(madeUpText, madeUpText, (a, b) => {
      const wanted = Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(Math.sign(compareUtf8(a, b))).toBe(wanted);
    }),
    { numRuns },
  );
});

test("building sorts, and sorting again changes nothing", () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
      const { entries: sorted } = buildDirectory({ entries, modTime: 0n });
      for (let i = 1; i < sorted.length; i++) {
        expect(compareEntries(sorted[i - 1]!, sorted[i]!)).toBeLessThanOrEqual(0);
      }
    }),
    { numRuns },
  );
});

test("arbitrary bytes and arbitrary JSON give a listing or DIRECTORY_CORRUPT", () => {
  const json = fc.json({ maxDepth: 4 }).map(utf8Encode);
  const shaped = fc
    .tuple(
      fc.constantFrom("name", "type", "mode", "size", "mtime", "uid", "obj", "summ"),
      fc.json(),
    )
    .map(([key, value]) =>
      utf8Encode(`{"stream":"kopia:directory","entries":[{"${key}":${value},"obj":""}]}`),
    );
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), json, shaped), expectListingOrRefusal),
    { numRuns: numRuns * 5 },
  );
});

function expectListingOrRefusal(bytes: Uint8Array): void {
  try {
    expect(decodeDirectory(bytes).entries).toBeInstanceOf(Array);
  } catch (error) {
    expect(isKopiaError(error, "DIRECTORY_CORRUPT")).toBe(true);
  }
}
