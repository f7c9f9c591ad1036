import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8Decode, utf8Encode } from "../base/bytes.ts";
import { isKopiaError } from "../base/errors.ts";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { blobLocation, decodeShards, encodeShards, type ShardParameters } from "./shards.ts";

const newLayout: ShardParameters = { default: [1, 3], maxNonShardedLength: 20, overrides: [] };

function pathOf(parameters: ShardParameters, id: string): string {
  const { directories, file } = blobLocation(parameters, id);
  return [...directories, file].join("/");
}

test("the file of a new repository has the bytes that Kopia writes", () => {
  expect(utf8Decode(encodeShards(newLayout))).toBe('{"default":[1,3],"maxNonShardedLength":20}\n');
});

test("paths are those of the table in spec 1 §1.1", () => {
  for (const [id, path] of [
    ["kopia.repository", "kopia.repository.f"],
    ["xe12", "xe12.f"],
    ["xw1770000000", "xw1770000000.f"],
    [
      "p0102030405060708090a0b0c0d0e0f10-s0011223344556677144",
      "p/010/2030405060708090a0b0c0d0e0f10-s0011223344556677144.f",
    ],
    ["xn0_f01f2e1e0102030405060708090a0b0c-c1", "x/n0_/f01f2e1e0102030405060708090a0b0c-c1.f"],
    ["xn12_f01f0102030405060708090a0b0c0d", "x/n12/_f01f0102030405060708090a0b0c0d.f"],
    ["_log_20260821101112_abcd", "_/log/_20260821101112_abcd.f"],
  ]) {
    expect(pathOf(newLayout, id as string)).toBe(path);
  }
});

test("an ID of 20 bytes is not sharded, one of 21 is", () => {
  expect(pathOf(newLayout, "a".repeat(20))).toBe(`${"a".repeat(20)}.f`);
  expect(pathOf(newLayout, "a".repeat(21))).toBe(`a/aaa/${"a".repeat(17)}.f`);
});

test("a level is left out when nothing would remain, or when its size is 0", () => {
  const layout = { default: [0, 3, 3], maxNonShardedLength: 0, overrides: [] };
  expect(pathOf(layout, "abc")).toBe("abc.f");
  expect(pathOf(layout, "abcd")).toBe("abc/d.f");
  expect(pathOf(layout, "abcdefg")).toBe("abc/def/g.f");
});

test("the first override that fits replaces the default", () => {
  const layout = {
    default: [3, 3],
    maxNonShardedLength: 10,
    overrides: [
      { prefix: "p0", shards: [] },
      { prefix: "p", shards: [2] },
      { prefix: "p1", shards: [4] },
    ],
  };
  expect(pathOf(layout, "p0123456789")).toBe("p0123456789.f");
  expect(pathOf(layout, "p1234567890")).toBe("p1/234567890.f");
  expect(pathOf(layout, "q1234567890")).toBe("q12/345/67890.f");
  expect(pathOf(layout, "kopia.repository")).toBe("kop/ia./repository.f");
});

test("IDs that could lead out of the storage are refused", () => {
  const layout = { default: [1, 1, 2], maxNonShardedLength: 0, overrides: [] };
  for (const id of [
    "",
    "a/b",
    "..\\x",
    "a\0",
    "../../etc/passwd",
    "ab..c",
    ".abcd",
    "x".repeat(256),
  ]) {
    let thrown: unknown;
    try {
      blobLocation(layout, id);
    } catch (error) {
      thrown = error;
    }
    expect(isKopiaError(thrown, "ARGUMENT_INVALID"), id).toBe(true);
  }
});

test("absent and null fields mean none", () => {
  const flat = { default: [], maxNonShardedLength: 0, overrides: [] };
  expect(decodeShards(utf8Encode("{}"))).toEqual(flat);
  expect(decodeShards(utf8Encode('{"default":null,"overrides":null}'))).toEqual(flat);
  expect(decodeShards(utf8Encode('{"Default":[3,3],"other":1}'))).toEqual({
    ...flat,
    default: [3, 3],
  });
});

test("a file that cannot be used is STORAGE_BAD_SHARDS", () => {
  for (const text of [
    "",
    "null",
    "[]",
    "{",
    '{"default":3}',
    '{"default":[-1]}',
    '{"default":[1.5]}',
    '{"default":[256]}',
    '{"default":["1"]}',
    `{"default":[${Array<number>(33).fill(1).join()}]}`,
    '{"maxNonShardedLength":"20"}',
    '{"overrides":[1]}',
    '{"overrides":[{"prefix":1}]}',
    `{"default":[1]}${" ".repeat(2 ** 16)}`,
  ]) {
    let thrown: unknown;
    try {
      decodeShards(utf8Encode(text));
    } catch (error) {
      thrown = error;
    }
    expect(isKopiaError(thrown, "STORAGE_BAD_SHARDS"), text.slice(0, 40)).toBe(true);
  }
});

const sizes = fc.array(fc.nat(255), { maxLength: 6 });
const parameters = fc.record({
  default: sizes,
  maxNonShardedLength: fc.nat(),
  overrides: fc.array(fc.record({ prefix: fc.string(), shards: sizes }), { maxLength: 3 }),
});

test("parameters are read back", () => {
  fc.assert(
    fc.property(parameters, (layout) => {
      expect(decodeShards(encodeShards(layout))).toEqual(layout);
    }),
    { numRuns: fuzzRuns(200) },
  );
});

test("the path spells the ID again, whatever the layout", () => {
  const id = fc.stringMatching(/^[a-z0-9_][a-z0-9_.-]{0,60}$/);
  fc.assert(
    fc.property(parameters, id, (layout, blobId) => {
      let path: string;
      try {
        path = pathOf(layout, blobId);
      } catch (error) {
        // A directory would be called `.` or `..`.
        expect(isKopiaError(error, "ARGUMENT_INVALID") && blobId.includes(".")).toBe(true);
        return;
      }
      expect(path.replaceAll("/", "")).toBe(`${blobId}.f`);
      expect(path.split("/")).not.toContain("..");
    }),
    { numRuns: fuzzRuns(500) },
  );
});

test("any bytes give parameters or a typed error", () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(utf8Encode)), (bytes) => {
      try {
        decodeShards(bytes);
      } catch (error) {
        if (!isKopiaError(error, "STORAGE_BAD_SHARDS")) throw error;
      }
    }),
    { numRuns: fuzzRuns(300) },
  );
});
