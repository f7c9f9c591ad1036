import { createHash } from "node:crypto";
import { parseGoTime, utf8Decode, utf8Encode } from "@kopia-engine/kopia-format";
import { describe, expect, test } from "vitest";
import { buildDirectory } from "./build-directory.ts";
import { parseDirectory } from "./decode-directory.ts";
import { decodeDirectory, encodeDirectory, writeDirectory } from "./directory-codec.ts";
import type { DirectoryEntry, DirectorySummary } from "./directory-entry.ts";
import { entryModeFromPosix, entryModeToPosix } from "./entry-mode.ts";

const EMPTY_DIRECTORY = `{"stream":"kopia:directory","entries":null,"summary":{"size":0,"files":0,"symlinks":0,"dirs":1,"maxTime":"2024-05-06T07:08:09.00000001Z","numFailed":0}}\n`;
const MIXED_DIRECTORY = String.raw`{"stream":"kopia:directory","entries":[{"name":"B","type":"d","mode":"020000750","mtime":"1969-12-31T23:59:59.5Z","obj":"kbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","summ":{"size":0,"files":0,"symlinks":0,"dirs":1,"maxTime":"2024-05-06T07:08:09.00000001Z","numFailed":0}},{"name":"tmp","type":"d","mode":"04000777","mtime":"2024-05-06T07:08:09.00000001Z","obj":"kaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","summ":{"size":0,"files":0,"symlinks":0,"dirs":1,"maxTime":"2024-05-06T07:08:09.00000001Z","numFailed":0}},{"name":"a\u003c\u0026\u003e\"\\\t\n\u0001/\u2028é😀.bin","type":"f","mode":"040000755","size":9007199254740993,"mtime":"2023-12-31T23:59:59.999999999Z","uid":4294967295,"obj":"Ix0123456789abcdef0123456789abcdef"},{"name":"bad\ufffd\ufffd\ufffdname\ufffd\ufffd\ufffd","type":"s","mode":"0777","size":7,"mtime":"2024-01-02T03:04:05Z","uid":1000,"gid":100,"obj":"fedcba9876543210fedcba9876543210"},{"name":"empty","type":"f","obj":"00000000000000000000000000000000"},{"name":"z.txt","type":"f","mode":"0644","size":5,"mtime":"2024-01-02T03:04:05.12Z","uid":1000,"gid":100,"obj":"0123456789abcdef0123456789abcdef"},{"name":"～","type":"f","mode":"0644","size":1,"mtime":"2024-01-02T03:04:05Z","uid":1000,"gid":100,"obj":"22222222222222222222222222222222"},{"name":"😀","type":"f","mode":"0644","size":1,"mtime":"2024-01-02T03:04:05Z","uid":1000,"gid":100,"obj":"11111111111111111111111111111111"}],"summary":{"size":9007199254741000,"files":5,"symlinks":1,"dirs":3,"maxTime":"2024-05-06T07:08:09.00000001Z","numFailed":0}}
`;

const leaf = "2024-01-02T03:04:05Z";
const maxModTime = parseGoTime("2024-05-06T07:08:09.00000001Z");
const emptySummary: DirectorySummary = {
  totalFileSizeBytes: 0n,
  fileCount: 0,
  symlinkCount: 0,
  directoryCount: 1,
  maxModTime,
  fatalErrorCount: 0,
  ignoredErrorCount: 0,
  failedEntries: [],
};

function entry(name: string, parts: Partial<DirectoryEntry>): DirectoryEntry {
  return {
    name,
    type: "f",
    mode: 0o644,
    sizeBytes: 1n,
    modTime: parseGoTime(leaf),
    uid: 1000,
    gid: 100,
    objectId: "",
    ...parts,
  };
}

/** The entries of the specification's mixed directory, in no particular order. */
const mixedEntries: readonly DirectoryEntry[] = [
  entry("😀", { objectId: "1".repeat(32) }),
  entry("～", { objectId: "2".repeat(32) }),
  entry("z.txt", {
    sizeBytes: 5n,
    modTime: parseGoTime("2024-01-02T03:04:05.12Z"),
    objectId: "0123456789abcdef0123456789abcdef",
  }),
  entry("empty", { mode: 0, sizeBytes: 0n, modTime: 0n, uid: 0, gid: 0, objectId: "0".repeat(32) }),
  entry("bad\ufffd\ufffd\ufffdname\ufffd\ufffd\ufffd", {
    nameBytes: Uint8Array.from([
      ...utf8Encode("bad"),
      0xff,
      0xe2,
      0x82,
      ...utf8Encode("name"),
      0xed,
      0xa0,
      0x80,
    ]),
    type: "s",
    mode: 0o777,
    sizeBytes: 7n,
    objectId: "fedcba9876543210fedcba9876543210",
  }),
  entry('a<&>"\\\t\n\u0001/\u2028é😀.bin', {
    mode: entryModeFromPosix(0o4755),
    sizeBytes: 9007199254740993n,
    modTime: parseGoTime("2023-12-31T23:59:59.999999999Z"),
    uid: 4294967295,
    gid: 0,
    objectId: "Ix0123456789abcdef0123456789abcdef",
  }),
  entry("tmp", {
    type: "d",
    mode: entryModeFromPosix(0o1777),
    sizeBytes: 0n,
    modTime: maxModTime,
    uid: 0,
    gid: 0,
    objectId: `k${"a".repeat(32)}`,
    summary: emptySummary,
  }),
  entry("B", {
    type: "d",
    mode: entryModeFromPosix(0o2750),
    sizeBytes: 0n,
    modTime: parseGoTime("1969-12-31T23:59:59.5Z"),
    uid: 0,
    gid: 0,
    objectId: `k${"b".repeat(32)}`,
    summary: emptySummary,
  }),
];

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("vectors of spec 2 §6.8", () => {
  test("an empty directory is stored with null entries and its own time", () => {
    const bytes = encodeDirectory(buildDirectory({ entries: [], modTime: maxModTime }));
    expect(utf8Decode(bytes)).toBe(EMPTY_DIRECTORY);
    expect(bytes).toHaveLength(153);
    expect(sha256(bytes)).toBe("48b33ef4654a6b896b7984fe8127368e168af6b279a865f59cbc69b59de2b484");
  });

  test("a mixed directory comes out sorted, summed up and byte for byte", () => {
    const bytes = encodeDirectory(buildDirectory({ entries: mixedEntries, modTime: 0n }));
    expect(utf8Decode(bytes)).toBe(MIXED_DIRECTORY);
    expect(bytes).toHaveLength(1521);
    expect(sha256(bytes)).toBe("b9a4f8ba648c876d4a8d8cdeb2852e00e758e3b56a826a168ec2875138510d64");
  });

  test("what was stored is read back, and re-encoded apart from the replacement characters", () => {
    const listing = decodeDirectory(utf8Encode(MIXED_DIRECTORY));
    expect(listing.entries).toHaveLength(8);
    expect(listing.entries[2]?.sizeBytes).toBe(9007199254740993n);
    expect(listing.summary).toEqual({
      ...emptySummary,
      totalFileSizeBytes: 9007199254741000n,
      fileCount: 5,
      symlinkCount: 1,
      directoryCount: 3,
    });
    // Only now the replacement characters are stored as themselves (spec 2 §12.1 trap 24).
    const again = utf8Decode(encodeDirectory(listing));
    expect(again).toBe(MIXED_DIRECTORY.replaceAll("\\ufffd", "\ufffd"));
  });
});

describe("decodeDirectory", () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      "white space, other key order and other case",
      `{ "Entries": [ {"OBJ":"k1", "Name":"x"} ], "stream":"kopia:directory" }`,
    ],
    [
      "a zone offset, as older versions wrote",
      `{"stream":"kopia:directory","entries":[{"name":"x","mtime":"2024-01-02T05:04:05.5+02:00","obj":"k1"}],"summary":null}\n`,
    ],
    [
      "unknown fields",
      `{"stream":"kopia:directory","entries":[{"name":"x","obj":"k1","xattr":{"a":1}}]}`,
    ],
  ];
  test.each(cases)("accepts %s", (_, text) => {
    const [first] = decodeDirectory(utf8Encode(text)).entries;
    expect(first).toMatchObject({ name: "x", objectId: "k1" });
  });

  test("reads a time with an offset as the instant it names", () => {
    const text = `{"stream":"kopia:directory","entries":[{"name":"x","mtime":"2024-01-02T05:04:05.5+02:00","obj":"k1"}],"summary":null}\n`;
    expect(decodeDirectory(utf8Encode(text)).entries[0]?.modTime).toBe(
      parseGoTime("2024-01-02T03:04:05.5Z"),
    );
  });

  const refused: readonly (readonly [string, string])[] = [
    ["another stream", `{"stream":"kopia:indirect","entries":null}`],
    ["no stream", `{"entries":null}`],
    ["an array", `[]`],
    ["a size with a fraction", `{"stream":"kopia:directory","entries":[{"size":1.5}]}`],
    [
      "a size beyond 64 bits",
      `{"stream":"kopia:directory","entries":[{"size":9223372036854775808}]}`,
    ],
    ["a user beyond 32 bits", `{"stream":"kopia:directory","entries":[{"uid":4294967296}]}`],
    ["a mode that is no number", `{"stream":"kopia:directory","entries":[{"mode":"rwx"}]}`],
    [
      "a date that does not exist",
      `{"stream":"kopia:directory","entries":[{"mtime":"2023-02-29T00:00:00Z"}]}`,
    ],
    ["nothing", ""],
  ];
  test.each(refused)("refuses %s", (_, text) => {
    expect(() => decodeDirectory(utf8Encode(text), "k0")).toThrow(
      expect.objectContaining({ code: "DIRECTORY_CORRUPT" }),
    );
  });

  test("keeps hostile names as names", () => {
    const text = `{"stream":"kopia:directory","entries":[{"name":"__proto__","obj":"1"},{"name":"../x","obj":"2"}],"__proto__":{"polluted":true}}`;
    expect(decodeDirectory(utf8Encode(text)).entries.map(({ name }) => name)).toEqual([
      "__proto__",
      "../x",
    ]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test("the fast way and the general way read the same", () => {
    for (const text of [EMPTY_DIRECTORY, MIXED_DIRECTORY]) {
      expect(parseDirectory(utf8Encode(text), "k0")).toEqual(decodeDirectory(utf8Encode(text)));
    }
  });
});

test("writeDirectory gives the same bytes in pieces", () => {
  const entries = Array.from({ length: 3000 }, (_, index) =>
    entry(`datei-${index}-é`, { objectId: "0".repeat(32) }),
  );
  const listing = buildDirectory({ entries, modTime: 0n });
  const pieces: Buffer[] = [];
  writeDirectory(listing, (piece) => pieces.push(Buffer.from(piece)));
  expect(pieces.length).toBeGreaterThan(3);
  expect(Buffer.concat(pieces).equals(encodeDirectory(listing))).toBe(true);
});

test("a zero time of virtual directories wraps as int64 nanoseconds do (spec 2 §6.2)", () => {
  const listing = buildDirectory({ entries: [], modTime: parseGoTime("0001-01-01T00:00:00Z") });
  expect(utf8Decode(encodeDirectory(listing))).toContain(
    '"maxTime":"1754-08-30T22:43:41.128654848Z"',
  );
});

test("modes go to Go's bits and back", () => {
  for (const mode of [0, 0o644, 0o4755, 0o2750, 0o1777, 0o7777]) {
    expect(entryModeToPosix(entryModeFromPosix(mode))).toBe(mode);
  }
  // Type bits are never part of it.
  expect(entryModeFromPosix(0o100644)).toBe(0o644);
});
