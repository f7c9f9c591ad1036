import { crc32 as nodeCrc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8Encode, fromHex, toHex } from "./bytes.ts";
import { crc32 } from "./crc32.ts";
import { fnv1a32 } from "./fnv.ts";
import { hkdfSha256 } from "./hkdf.ts";

test("CRC-32 has the check value of its definition", () => {
  expect(crc32(utf8Encode("123456789"))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
});

test("CRC-32 equals zlib's, in one piece and in two", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
      expect(crc32(bytes)).toBe(nodeCrc32(bytes));
      expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(nodeCrc32(bytes));
    }),
  );
});

test("FNV-1a has the published values", () => {
  expect(fnv1a32(new Uint8Array())).toBe(0x811c9dc5);
  expect(fnv1a32(utf8Encode("a"))).toBe(0xe40c292c);
  expect(fnv1a32(utf8Encode("foobar"))).toBe(0xbf9cf968);
});

test("HKDF gives test case 1 of RFC 5869", () => {
  const output = hkdfSha256({
    key: new Uint8Array(22).fill(0x0b),
    salt: fromHex("000102030405060708090a0b0c") ?? new Uint8Array(),
    info: fromHex("f0f1f2f3f4f5f6f7f8f9") ?? new Uint8Array(),
    lengthBytes: 42,
  });
  expect(toHex(output)).toBe(
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  );
});
