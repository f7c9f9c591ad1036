import { expect, test } from "vitest";
import { fromHex } from "../base/bytes.ts";
import { isKopiaError } from "../base/errors.ts";
import {
  ALL_CONTENTS,
  PREFIXED_CONTENTS,
  UNPREFIXED_CONTENTS,
  compareContentIds,
  contentIdPrefix,
  contentIdToKey,
  contentIdsStartingWith,
  contentIv,
  formatContentId,
  isContentId,
  isInContentIdRange,
  keyToContentId,
  parseContentId,
} from "./content-id.ts";

const HASH = "000102030405060708090a0b0c0d0e0f";

test("keys are the prefix byte, 0 when there is none, and the raw hash", () => {
  expect(contentIdToKey(HASH)).toEqual(fromHex(`00${HASH}`));
  expect(contentIdToKey(`m${HASH}`)).toEqual(fromHex(`6d${HASH}`));
  expect(keyToContentId(contentIdToKey(`z${HASH}`))).toBe(`z${HASH}`);
});

test.each([
  ["", false],
  ["g", false],
  ["00", true],
  ["g00", true],
  ["z00", true],
  ["f00", false],
  ["{00", false],
  ["A0", false],
  ["00".repeat(32), true],
  ["k" + "00".repeat(32), true],
  ["00".repeat(33), false],
  ["m0g", false],
  ["x\u0000", false],
])("isContentId(%j) is %s", (text, expected) => {
  expect(isContentId(text)).toBe(expected);
  const convert = (): unknown => contentIdToKey(text);
  if (expected) expect(keyToContentId(convert() as Uint8Array)).toBe(text);
  else expect(convert).toThrow(expect.objectContaining({ code: "CONTENT_ID_INVALID" }));
});

test("invalid IDs are refused with a short message", () => {
  try {
    parseContentId("q".repeat(10_000));
    expect.unreachable();
  } catch (error) {
    expect(isKopiaError(error, "CONTENT_ID_INVALID")).toBe(true);
    expect((error as Error).message.length).toBeLessThan(300);
  }
});

test("formatContentId checks prefix and hash length", () => {
  expect(formatContentId("k", fromHex(HASH) as Uint8Array)).toBe(`k${HASH}`);
  expect(contentIdPrefix(`k${HASH}`)).toBe("k");
  expect(contentIdPrefix(HASH)).toBe("");
  for (const prefix of ["a", "kk", "K"]) {
    expect(() => formatContentId(prefix, new Uint8Array(16))).toThrow(/content ID/);
  }
  expect(() => formatContentId("", new Uint8Array(0))).toThrow(/content ID/);
  expect(() => formatContentId("", new Uint8Array(33))).toThrow(/content ID/);
});

test("the IV is the last 16 bytes of the hash", () => {
  expect(contentIv(`m${HASH}`)).toEqual(fromHex(HASH));
  expect(contentIv("ff".repeat(12) + HASH)).toEqual(fromHex(HASH));
  expect(() => contentIv("00".repeat(15))).toThrow(/content ID/);
});

test("ranges are in text order, end exclusive", () => {
  const ids = ["00", "ff", "g00", "k00", "k01", "m00", "zff"];
  const within = (range: typeof ALL_CONTENTS): string[] =>
    ids.filter((id) => isInContentIdRange(id, range));
  expect(within(ALL_CONTENTS)).toEqual(ids);
  expect(within(UNPREFIXED_CONTENTS)).toEqual(["00", "ff"]);
  expect(within(PREFIXED_CONTENTS)).toEqual(ids.slice(2));
  expect(within(contentIdsStartingWith("k"))).toEqual(["k00", "k01"]);
  expect(ids.toSorted(compareContentIds)).toEqual(ids);
});
