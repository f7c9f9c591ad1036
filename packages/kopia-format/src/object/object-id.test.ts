import { expect, test } from "vitest";
import { formatObjectId, isDirectoryObjectId, parseObjectId } from "./object-id.ts";

const HASH = "0123456789abcdef0123456789abcdef";

test.each([
  [HASH, { indirection: 0, compressed: false, contentId: HASH }],
  [`k${HASH}`, { indirection: 0, compressed: false, contentId: `k${HASH}` }],
  [`Ix${HASH}`, { indirection: 1, compressed: false, contentId: `x${HASH}` }],
  [`IIk${HASH}`, { indirection: 2, compressed: false, contentId: `k${HASH}` }],
  [`Z${HASH}`, { indirection: 0, compressed: true, contentId: HASH }],
  ["zab", { indirection: 0, compressed: false, contentId: "zab" }],
  ["ab".repeat(32), { indirection: 0, compressed: false, contentId: "ab".repeat(32) }],
])("%s comes apart and together again", (text, parts) => {
  expect(parseObjectId(text)).toEqual(parts);
  expect(formatObjectId(parseObjectId(text))).toBe(text);
});

test("D is dropped and hex of either case is read", () => {
  expect(parseObjectId("DAB")).toEqual({ indirection: 0, compressed: false, contentId: "ab" });
  expect(parseObjectId("IIDkAB").contentId).toBe("kab");
  expect(parseObjectId("ZDAB").compressed).toBe(true);
});

test.each([
  "",
  "I",
  "Z",
  "D",
  "k",
  "fab",
  "KAB",
  "a",
  "abc",
  "Iabc",
  "IZab",
  "ZIab",
  "DDab",
  "zzab",
  "ab ",
  " ab",
  "ab\n",
  "ab".repeat(33),
  `k${"ab".repeat(33)}`,
  `${"I".repeat(17)}ab`,
  "İab",
  "../ab",
])("%j is refused", (text) => {
  expect(() => parseObjectId(text)).toThrow(expect.objectContaining({ code: "OBJECT_ID_INVALID" }));
});

test("directories are known by the prefix below all indirection", () => {
  expect(isDirectoryObjectId(`k${HASH}`)).toBe(true);
  expect(isDirectoryObjectId(`IIk${HASH}`)).toBe(true);
  expect(isDirectoryObjectId(`Ix${HASH}`)).toBe(false);
  expect(isDirectoryObjectId(HASH)).toBe(false);
});
