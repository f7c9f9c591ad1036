import { expect, test } from "vitest";
import {
  bytesEqual,
  compareBytes,
  concatBytes,
  fromHex,
  toHex,
  utf8Decode,
  utf8Encode,
} from "./bytes.ts";

test("hex is lowercase on output and of either case on input", () => {
  expect(toHex(new Uint8Array([0, 1, 0xab, 0xff]))).toBe("0001abff");
  expect(fromHex("0001ABff")).toEqual(new Uint8Array([0, 1, 0xab, 0xff]));
});

test("fromHex refuses odd lengths and other characters", () => {
  for (const text of ["0", "0g", "zz", "0 ", "-1"]) expect(fromHex(text)).toBeUndefined();
});

test("compareBytes orders like memcmp, shorter prefix first", () => {
  expect(compareBytes(utf8Encode("a"), utf8Encode("ab"))).toBeLessThan(0);
  expect(compareBytes(new Uint8Array([0xff]), new Uint8Array([0x01, 0x02]))).toBeGreaterThan(0);
  expect(bytesEqual(utf8Encode("ab"), concatBytes(utf8Encode("a"), utf8Encode("b")))).toBe(true);
});

test("UTF-8 round trip", () => {
  expect(utf8Decode(utf8Encode("é😀"))).toBe("é😀");
});
