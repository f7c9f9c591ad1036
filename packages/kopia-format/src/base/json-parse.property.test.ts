import fc from "fast-check";
import { expect, test } from "vitest";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { goStringify } from "./go-json.ts";
import { parseJson } from "./json-parse.ts";
import { JsonTextParser } from "./json-text-parser.ts";

const numRuns = fuzzRuns(300);

/** Values whose numbers are exact integers: there both ways of parsing must agree with JSON.parse. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.string({ unit: "binary" }),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(fc.string({ unit: "binary" }), tie("value"), { maxKeys: 5 }),
  ),
}));

test("the quick and the exact parser agree with JSON.parse, with any white space", () => {
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1, "\t", "\r\n "), (input, indent) => {
      const text = JSON.stringify(input, undefined, indent);
      const expected: unknown = JSON.parse(text);
      expect(parseJson(text)).toEqual(expected);
      expect(exact(text)).toEqual(expected);
    }),
    { numRuns },
  );
});

test("integers of any size and fractions keep every digit through parse and stringify", () => {
  const literal = fc.oneof(
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
    fc
      .tuple(fc.maxSafeInteger(), fc.maxSafeNat(), fc.integer({ min: -400, max: 400 }))
      .map(([whole, fraction, exponent]) => `${whole}.${fraction}e${exponent}`),
  );
  fc.assert(
    fc.property(fc.array(literal, { maxLength: 6 }), (literals) => {
      const text = `{"numbers":[${literals.join()}]}`;
      expect(goStringify(parseJson(text))).toBe(text);
    }),
    { numRuns },
  );
});

test("a document that was cut off is refused", () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 1 }), fc.nat(), (input, cut) => {
      const text = JSON.stringify(input);
      expect(() => parseJson(text.slice(0, cut % text.length))).toThrow(/invalid JSON/);
    }),
    { numRuns },
  );
});

function exact(text: string): unknown {
  return new JsonTextParser(text, { where: "test", maxDepth: 128 }).parse("refuse");
}
