import { expect, test } from "vitest";
import { fromHex, toHex } from "../../base/bytes.ts";
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
