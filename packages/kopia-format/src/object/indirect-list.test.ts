import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { concatBytes, utf8Encode } from "../base/bytes.ts";
import { decodeIndirectList, encodeIndirectList } from "./indirect-list.ts";

// Spec 2 §2.3.
const VECTOR = [
  { offsetBytes: 0, lengthBytes: 4194304, objectId: "0123456789abcdef0123456789abcdef" },
  { offsetBytes: 4194304, lengthBytes: 100, objectId: "fedcba9876543210fedcba9876543210" },
  { offsetBytes: 4194404, lengthBytes: 0, objectId: "00000000000000000000000000000000" },
];

test("the vector of the specification", () => {
  const bytes = encodeIndirectList(VECTOR);
  expect(bytes.length).toBe(207);
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(
    "68f89a3bac8437df6222b047a5005c05f2bacaa1f3cc03ea0c9f2f4d2d326500",
  );
  expect(decodeIndirectList(bytes)).toEqual(VECTOR);
});

test("what follows the first value is ignored", () => {
  expect(decodeIndirectList(concatBytes(encodeIndirectList(VECTOR), utf8Encode("}{")))).toEqual(
    VECTOR,
  );
});

test("names are matched regardless of case, the exact spelling first; null is nothing", () => {
  const text =
    '{"STREAM":1,"Entries":[{"L":2,"O":"ab","s":null},{"S":9,"s":2,"l":3,"o":"cd","x":[{}]}]}';
  expect(decodeIndirectList(utf8Encode(text))).toEqual([
    { offsetBytes: 0, lengthBytes: 2, objectId: "ab" },
    { offsetBytes: 2, lengthBytes: 3, objectId: "cd" },
  ]);
});

test.each([
  ["", "nothing"],
  ["[]", "an array"],
  ["null", "null"],
  ["{}", "no entries"],
  ['{"entries":null}', "null entries"],
  ['{"entries":[]}', "an empty list, which crashes the original"],
  ['{"entries":{"length":1}}', "entries that are no list"],
  ['{"entries":[null]}', "a null entry"],
  ['{"entries":[{"l":1}]}', "an entry without object ID"],
  ['{"entries":[{"l":1,"o":"xyz"}]}', "an invalid object ID"],
  ['{"entries":[{"l":-1,"o":"ab"}]}', "a negative length"],
  ['{"entries":[{"l":1.5,"o":"ab"}]}', "a fraction"],
  ['{"entries":[{"l":1.0,"o":"ab"}]}', "a fraction of zero"],
  ['{"entries":[{"l":1e0,"o":"ab"}]}', "an exponent"],
  ['{"entries":[{"l":1,"o":"ab"},{"s":1E0,"l":1,"o":"cd"}]}', "an exponent in an offset"],
  ['{"entries":[{"l":"1","o":"ab"}]}', "a length that is a string"],
  ['{"entries":[{"s":5,"l":1,"o":"ab"}]}', "a gap at the start"],
  ['{"entries":[{"l":2,"o":"ab"},{"s":1,"l":1,"o":"cd"}]}', "pieces that overlap"],
  ['{"entries":[{"l":9007199254740993,"o":"ab"}]}', "a length beyond 2^53"],
  [
    '{"entries":[{"l":9007199254740991,"o":"ab"},{"s":9007199254740991,"l":9,"o":"ab"}]}',
    "a sum beyond 2^53",
  ],
])("%s (%s) is refused", (text) => {
  expect(() => decodeIndirectList(utf8Encode(text))).toThrow(
    expect.objectContaining({ code: "OBJECT_CORRUPT" }),
  );
});
