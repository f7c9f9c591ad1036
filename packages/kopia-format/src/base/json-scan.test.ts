import { expect, test } from "vitest";
import { utf8Decode, utf8Encode } from "./bytes.ts";
import { isKopiaError } from "./errors.ts";
import { compactJson, jsonElements, jsonMembers, jsonValueEnd } from "./json-scan.ts";

const compact = (text: string): string => utf8Decode(compactJson(utf8Encode(text)));

test("white space goes, everything else stays byte for byte", () => {
  expect(
    compact(' { "b" : 1.50 , "a" : [ 12345678901234567890 , 1E5, -0 ] , "b" : "x y" }\n'),
  ).toBe('{"b":1.50,"a":[12345678901234567890,1E5,-0],"b":"x y"}');
  expect(compact(String.raw`"\/\u00e9\" \\"`)).toBe(String.raw`"\/\u00e9\" \\"`);
});

test("HTML characters and line separators are escaped, as Go does", () => {
  expect(compact('{"<a>":"&\u2028\u2029\u2027é"}')).toBe(
    '{"\\u003ca\\u003e":"\\u0026\\u2028\\u2029\u2027é"}',
  );
});

test("bytes that are not UTF-8 stay as they are", () => {
  const raw = new Uint8Array([0x22, 0xff, 0xe2, 0x80, 0x22]);
  expect(compactJson(raw)).toEqual(raw);
});

test.each([
  "",
  " ",
  "{",
  "[1,]",
  "[,]",
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  "{a:1}",
  "01",
  "1.",
  "1e",
  "-",
  ".5",
  "tru",
  '"',
  '"\\x"',
  '"\\u12"',
  '"\n"',
  "[1 2]",
  "[1}",
  "1 2",
  "nul",
  "[[]",
])("%j is refused", (text) => {
  expect(() => compact(text)).toThrow(expect.objectContaining({ code: "JSON_INVALID" }));
});

test("members and elements give keys and extents", () => {
  const json = utf8Encode(String.raw`{"k\u0065y": [1, {"x":"]"} ,"b"], "__proto__": 2} rest`);
  const members = [...jsonMembers(json, 0)];
  expect(members.map(({ key }) => key)).toEqual(["key", "__proto__"]);
  const elements = [...jsonElements(json, members[0]?.value.start ?? 0)];
  expect(elements.map(({ start, end }) => utf8Decode(json.subarray(start, end)))).toEqual([
    "1",
    '{"x":"]"}',
    '"b"',
  ]);
});

test("deep nesting is refused and costs no stack", () => {
  const deep = utf8Encode("[".repeat(100_000));
  expect(() => jsonValueEnd(deep, 0)).toThrow(expect.objectContaining({ code: "JSON_INVALID" }));
  expect(jsonValueEnd(utf8Encode(`${"[".repeat(500)}${"]".repeat(500)}`), 0)).toBe(1000);
});

test("agrees with the platform's parser on every truncation and flip of a document", () => {
  const text = String.raw`{"a":[1,-2.5e+3,true,false,null,"\"\u00e9\\"],"b":{"c":{}},"d":[]}`;
  const variants: string[] = [];
  for (let i = 0; i < text.length; i++) {
    variants.push(text.slice(0, i));
    for (const letter of '",:[]{}019-.eE\\ tn') {
      variants.push(text.slice(0, i) + letter + text.slice(i + 1));
    }
  }
  for (const variant of variants) {
    expect(accepts(variant, compact), variant).toBe(accepts(variant, JSON.parse));
  }
});

function accepts(text: string, read: (text: string) => unknown): boolean {
  try {
    read(text);
    return true;
  } catch (error) {
    expect(error instanceof SyntaxError || isKopiaError(error, "JSON_INVALID")).toBe(true);
    return false;
  }
}

test.each(["1", "", "[1}", '{"a":1 "b":2}', '{"a":1', "[1 2]", "[1", "nul"])(
  "members and elements of %j are refused",
  (text) => {
    const json = utf8Encode(text);
    const invalid = expect.objectContaining({ code: "JSON_INVALID" });
    expect(() => [...jsonMembers(json, 0)]).toThrow(invalid);
    expect(() => [...jsonElements(json, 0)]).toThrow(invalid);
  },
);

test("empty objects and lists have nothing in them", () => {
  expect([...jsonMembers(utf8Encode(" { } "), 1)]).toEqual([]);
  expect([...jsonElements(utf8Encode("[ ]"), 0)]).toEqual([]);
});
