import { expect, test } from "vitest";
import { fromHex, toHex } from "../../base/bytes.ts";
import { crc32 } from "../../base/crc32.ts";
import { decodePostamble, encodePostamble } from "./postamble.ts";

const hash = fromHex("f01f2e1ea578d832edd57657c6c9ed8f")!;
const encoded = "0110f01f2e1ea578d832edd57657c6c9ed8f8020950214054e171a";

test("the example of spec 1 §15.5 in both directions", () => {
  const postamble = { localIndexHash: hash, localIndexOffset: 4096, localIndexLength: 277 };
  expect(toHex(encodePostamble(postamble))).toBe(encoded);
  expect(decodePostamble(fromHex(encoded)!, "p1")).toEqual(postamble);
});

test("it is found at the end of anything", () => {
  const tail = new Uint8Array(8192).fill(7);
  tail.set(fromHex(encoded)!, tail.length - encoded.length / 2);
  expect(decodePostamble(tail, "p1").localIndexLength).toBe(277);
});

test.each([
  ["", /its last byte is missing/],
  ["04", /its last byte is 4/],
  ["ff", /255 bytes do not fit the 1 at hand/],
  [encoded.slice(2), /26 bytes do not fit/],
  [`0210${encoded.slice(4)}`, /checksum is wrong/],
])("%s is refused", (hex, message) => {
  expect(() => decodePostamble(fromHex(hex)!, "p1")).toThrow(message);
});

/** A postamble of these bytes, with the right checksum and count. */
function sealed(...fields: number[]): Uint8Array {
  const bytes = new Uint8Array(fields.length + 5);
  bytes.set(fields);
  new DataView(bytes.buffer).setUint32(fields.length, crc32(bytes.subarray(0, fields.length)));
  bytes[fields.length + 4] = fields.length + 4;
  return bytes;
}

test.each([
  ["another version", [2, 1, 9, 0, 0], /version 2, expected 1/],
  ["a hash longer than any", [1, 33, ...Array<number>(33).fill(1), 0, 0], /hash of 33 bytes/],
  ["a hash beyond the end", [1, 30, 1], /postamble of pack p1/],
  ["fields that run into the checksum", [1, 1, 9, 0], /run into the checksum|postamble of pack p1/],
  ["no fields", [], /postamble of pack p1|5 to 255/],
])("with the right checksum, %s is refused", (_name, fields, message) => {
  const decode = (): unknown => decodePostamble(sealed(...fields), "p1");
  expect(decode).toThrow(expect.objectContaining({ code: "PACK_CORRUPT" }));
  expect(decode).toThrow(message);
});

test("a hash that no repository has is not written", () => {
  const postamble = {
    localIndexHash: new Uint8Array(33),
    localIndexOffset: 0,
    localIndexLength: 0,
  };
  expect(() => encodePostamble(postamble)).toThrow(RangeError);
});
