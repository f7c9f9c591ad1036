import { expect, test } from "vitest";
import { fromHex, toHex, utf8Encode, type Bytes } from "../base/bytes.ts";
import { encodeFormatCopy, findFormatCopyAtEnd, findFormatCopyAtStart } from "./format-copy.ts";

// Vector of spec 1 §15.5.
const COPY =
  "28007b2278223a317d0a00216f30c8faa1ef367067982b2b82290103c75fd055c95c9e707dd822630bd52800";
const BLOB = utf8Encode('{"x":1}\n');

test("the copy of the format blob in packs", () => {
  expect(toHex(encodeFormatCopy(BLOB))).toBe(COPY);
  const copy = fromHex(COPY) as Bytes;
  expect(findFormatCopyAtStart(copy)).toEqual(BLOB);
  expect(findFormatCopyAtEnd(copy)).toEqual(BLOB);
  for (let i = 2; i < copy.length - 2; i++) {
    const flipped = copy.slice();
    flipped[i] = (flipped[i] as number) ^ 0x10;
    expect(findFormatCopyAtStart(flipped)).toBeUndefined();
  }
});

test("a format blob too long for a copy is refused", () => {
  expect(encodeFormatCopy(new Uint8Array(64_968)).length).toBe(65_004);
  expect(() => encodeFormatCopy(new Uint8Array(64_969))).toThrow(
    expect.objectContaining({ code: "LIMIT_EXCEEDED" }),
  );
});
