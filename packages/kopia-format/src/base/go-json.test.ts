import { expect, test } from "vitest";
import { utf8Encode } from "./bytes.ts";
import { isKopiaError } from "./errors.ts";
import { goDecodeUtf8, goMarshalIndent, goQuote, goQuoteBytes, goStringify } from "./go-json.ts";
import { JsonNumber, RawJson, type JsonInput } from "./json-value.ts";

test("strings are escaped as in the vector of spec 2 §6.8", () => {
  const name = 'a<&>"\\\t\n\u0001/\u2028é😀.bin';
  const quoted = String.raw`"a\u003c\u0026\u003e\"\\\t\n\u0001/\u2028é😀.bin"`;
  expect(goQuote(name)).toBe(quoted);
  expect(goQuoteBytes(utf8Encode(name))).toBe(quoted);
});

test("every invalid byte becomes one escape, as in the vector of spec 2 §6.8", () => {
  const raw = new Uint8Array([
    ...utf8Encode("bad"),
    0xff,
    0xe2,
    0x82,
    ...utf8Encode("name"),
    0xed,
    0xa0,
    0x80,
  ]);
  expect(goQuoteBytes(raw)).toBe(String.raw`"bad\ufffd\ufffd\ufffdname\ufffd\ufffd\ufffd"`);
  expect(goDecodeUtf8(raw)).toBe("bad\ufffd\ufffd\ufffdname\ufffd\ufffd\ufffd");
});

test("control characters, 0x7f and a byte order mark", () => {
  expect(goQuote("\b\f\n\r\t\u0000\u001f\u007f")).toBe('"\\b\\f\\n\\r\\t\\u0000\\u001f\u007f"');
  expect(goQuoteBytes(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))).toBe('"\ufeffa"');
  expect(goDecodeUtf8(new Uint8Array([0xef, 0xbb, 0xbf]))).toBe("\ufeff");
});

test("a real U+FFFD stays as it is, a lone surrogate becomes one", () => {
  expect(goQuote("\ufffd")).toBe('"\ufffd"');
  expect(goQuoteBytes(new Uint8Array([0xef, 0xbf, 0xbd]))).toBe('"\ufffd"');
  expect(goQuote("a\ud800b")).toBe('"a\ufffdb"');
});

test("invalid UTF-8 next to characters that need escaping", () => {
  expect(goQuoteBytes(new Uint8Array([0x3c, 0xff, 0x22]))).toBe(String.raw`"\u003c\ufffd\""`);
});

test("structures keep their order, maps are sorted by bytes, undefined is left out", () => {
  const value: JsonInput = {
    b: 1,
    a: [true, null, 2n ** 63n, new JsonNumber("1.50"), new RawJson('{"x": 1}')],
    gone: undefined,
    map: new Map([
      ["😀", 1],
      ["～", 2],
      ["10", 3],
      ["9", 4],
    ]),
    none: {},
    empty: [],
  };
  expect(goStringify(value)).toBe(
    '{"b":1,"a":[true,null,9223372036854775808,1.50,{"x": 1}],"map":{"10":3,"9":4,"～":2,"😀":1},"none":{},"empty":[]}',
  );
});

test("indented output is that of MarshalIndent", () => {
  expect(goMarshalIndent({ a: [1, { b: "<" }], c: {}, d: [] })).toBe(
    '{\n  "a": [\n    1,\n    {\n      "b": "\\u003c"\n    }\n  ],\n  "c": {},\n  "d": []\n}',
  );
});

test("numbers have Go's shortest form", () => {
  for (const [value, text] of [
    [0, "0"],
    [-0, "-0"],
    [0.1, "0.1"],
    [1e-7, "1e-7"],
    [1e20, "100000000000000000000"],
    [1e21, "1e+21"],
    [9007199254740991, "9007199254740991"],
  ] as const) {
    expect(goStringify(value)).toBe(text);
  }
  expect(() => goStringify(Number.NaN)).toThrow(RangeError);
  expect(() => goStringify([Number.POSITIVE_INFINITY])).toThrow(RangeError);
});

test("what is nested too deep is refused, not overflowed", () => {
  let deep: JsonInput = 1;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  let thrown: unknown;
  try {
    goStringify(deep);
  } catch (error) {
    thrown = error;
  }
  expect(isKopiaError(thrown, "LIMIT_EXCEEDED")).toBe(true);
});
