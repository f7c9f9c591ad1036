import { expect, test } from "vitest";
import { utf8Encode } from "./bytes.ts";
import { isKopiaError, type KopiaError } from "./errors.ts";
import { asInteger, entriesOf, field } from "./json-fields.ts";
import { parseJson, type JsonParseOptions } from "./json-parse.ts";
import { JsonNumber, type JsonObject } from "./json-value.ts";

function errorOf(text: string | Uint8Array, options: JsonParseOptions = {}): KopiaError {
  try {
    parseJson(text, options);
  } catch (error) {
    if (isKopiaError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("integers beyond 2^53 come as bigint, whatever else the document holds", () => {
  expect(parseJson("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
  expect(parseJson('{"size":9007199254740993}')).toEqual({ size: 9007199254740993n });
  expect(parseJson("[ 1 , -9223372036854775808 ]")).toEqual([1, -9223372036854775808n]);
  expect(parseJson('{"a" : 12345678901234567890}')).toEqual({ a: 12345678901234567890n });
});

test("fractions and exponents keep their text", () => {
  expect(parseJson('{"rate":1.50}')).toEqual({ rate: new JsonNumber("1.50") });
  expect(parseJson("[1e3,0.5,-2E-1]")).toEqual([
    new JsonNumber("1e3"),
    new JsonNumber("0.5"),
    new JsonNumber("-2E-1"),
  ]);
  expect(parseJson("1.0")).toEqual(new JsonNumber("1.0"));
});

test("-0 is 0 as an integer", () => {
  expect(Object.is(asInteger(parseJson("-0"), "x"), 0)).toBe(true);
});

test("the last of duplicate keys wins, on both ways of parsing", () => {
  expect(parseJson('{"a":1,"a":2}')).toEqual({ a: 2 });
  expect(parseJson('{"a":1.5,"a":2}')).toEqual({ a: 2 });
});

test("__proto__ is a key like any other, on both ways of parsing", () => {
  for (const number of ["1", "1.5"]) {
    const text = `{"__proto__":{"polluted":${number}},"constructor":2}`;
    const object = parseJson(text) as JsonObject;
    expect(Object.hasOwn(object, "__proto__")).toBe(true);
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
    expect(entriesOf(object).map(([key]) => key)).toEqual(["__proto__", "constructor"]);
    expect(field(object, "polluted")).toBeUndefined();
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  }
});

test("invalid UTF-8 in the document becomes one U+FFFD a byte", () => {
  const text = new Uint8Array([0x22, 0xe2, 0x82, 0x22]);
  expect(parseJson(text)).toBe("\ufffd\ufffd");
});

test("a byte order mark is refused, as Go refuses it", () => {
  expect(errorOf(utf8Encode("\ufeff{}")).code).toBe("JSON_INVALID");
});

test("messages name place and offset and never quote the document", () => {
  const error = errorOf('{"password":"topsecret",}', { where: "repository.config" });
  expect(error.code).toBe("JSON_INVALID");
  expect(error.message).toBe("repository.config: invalid JSON: expected a key at offset 24");
  expect(error.details).toEqual({ where: "repository.config", offset: 24, expected: "a key" });
  expect(errorOf('{"password":"topsecret').message).not.toContain("topsecret");
  expect(errorOf("").message).toContain("where the document ends");
});

test("what is not JSON is refused, also where only the exact parser looks", () => {
  const wrong = [
    "{a:1}",
    "[1,]",
    "[,1]",
    '{"a"}',
    '{"a":}',
    "01",
    "+1",
    ".5",
    "1.",
    "-",
    "1e",
    "NaN",
    "tru",
    "nulll",
    '"a',
    '"\\x"',
    '"\\u12g4"',
    '"\n"',
    "'a'",
    "{} {}",
    "[1] 2",
    "\u00a01",
    "[1//\n]",
  ];
  for (const text of wrong) {
    expect(() => JSON.parse(text) as unknown).toThrow();
    expect(errorOf(text).code).toBe("JSON_INVALID");
    expect(errorOf(`[1.5,${text}]`).code).toBe("JSON_INVALID");
  }
});

test("data after the first value is ignored on request", () => {
  expect(parseJson('{"a":1}\n{"b":2}', { trailingData: "ignore" })).toEqual({ a: 1 });
  expect(parseJson("[1.5] x", { trailingData: "ignore" })).toEqual([new JsonNumber("1.5")]);
});

test("depth and length have limits", () => {
  const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
  expect(parseJson(deep(128))).toBeInstanceOf(Array);
  expect(errorOf(deep(129)).code).toBe("LIMIT_EXCEEDED");
  expect(errorOf(`[1.5,${deep(1_000_000)}]`).code).toBe("LIMIT_EXCEEDED");
  expect(errorOf('{"a":'.repeat(200_000)).code).toBe("LIMIT_EXCEEDED");
  expect(errorOf("[[1]]", { maxDepth: 1 }).code).toBe("LIMIT_EXCEEDED");
  expect(parseJson("[1]", { maxDepth: 1 })).toEqual([1]);
  const long = errorOf(new Uint8Array(101), { maxLengthBytes: 100, where: ".shards" });
  expect(long.code).toBe("LIMIT_EXCEEDED");
  expect(long.message).toContain(".shards: 101 bytes");
});
