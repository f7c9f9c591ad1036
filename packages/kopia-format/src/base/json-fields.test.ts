import { expect, test } from "vitest";
import { isKopiaError } from "./errors.ts";
import {
  asArray,
  asBigInteger,
  asBoolean,
  asInteger,
  asNumber,
  asObject,
  asString,
  entriesOf,
  field,
} from "./json-fields.ts";
import { JsonNumber, type JsonObject, type JsonValue } from "./json-value.ts";

const object: JsonObject = { userName: "u", USERNAME: "v", nothing: null, Size: 5 };

test("fields are found by exact spelling first, then without regard to case", () => {
  expect(field(object, "userName")).toBe("u");
  expect(field(object, "username")).toBe("v");
  expect(field(object, "size")).toBe(5);
  expect(field(object, "sizes")).toBeUndefined();
});

test("null and absent are the same, inherited properties are absent", () => {
  expect(field(object, "nothing")).toBeUndefined();
  for (const inherited of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    expect(field(object, inherited)).toBeUndefined();
  }
  expect(entriesOf(object)).toHaveLength(4);
});

test("values of the right kind pass", () => {
  expect(asString("s", "x")).toBe("s");
  expect(asInteger(-5, "x")).toBe(-5);
  expect(asBigInteger(5, "x")).toBe(5n);
  expect(asBigInteger(2n ** 63n - 1n, "x")).toBe(2n ** 63n - 1n);
  expect(asNumber(new JsonNumber("1.5"), "x")).toBe(1.5);
  expect(asNumber(2n ** 60n, "x")).toBe(2 ** 60);
  expect(asBoolean(false, "x")).toBe(false);
  expect(asArray([1], "x")).toEqual([1]);
  expect(asObject({ a: 1 }, "x")).toEqual({ a: 1 });
});

test("values of another kind are refused, naming the place and not the value", () => {
  const wrong: [
    (value: JsonValue | undefined, where: string) => unknown,
    (JsonValue | undefined)[],
  ][] = [
    [asString, [1, null, undefined, [], {}, true]],
    [asInteger, ["1", new JsonNumber("1.0"), 2n ** 53n, null, 0.5]],
    [asBigInteger, ["1", new JsonNumber("1e3"), 2n ** 63n, null]],
    [asNumber, ["1", new JsonNumber("1e999"), null]],
    [asBoolean, ["true", 0, null]],
    [asArray, [{}, "a", null, new JsonNumber("1.5")]],
    [asObject, [[], "a", null, new JsonNumber("1.5"), 3n]],
  ];
  for (const [accessor, values] of wrong) {
    for (const value of values) {
      let thrown: unknown;
      try {
        accessor(value, "policy.files.maxFileSize");
      } catch (error) {
        thrown = error;
      }
      expect(isKopiaError(thrown, "JSON_INVALID"), `${accessor.name} of a ${typeof value}`).toBe(
        true,
      );
      expect(String(thrown)).toContain("policy.files.maxFileSize: expected ");
    }
  }
  expect(() => asInteger("topsecret", "x")).toThrow(
    "x: expected an integer within ±(2^53 - 1), found a string",
  );
});
