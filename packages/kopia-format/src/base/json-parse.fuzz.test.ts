import fc from "fast-check";
import { expect, test } from "vitest";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { utf8Encode } from "./bytes.ts";
import { isKopiaError } from "./errors.ts";
import { goDecodeUtf8, goStringify } from "./go-json.ts";
import { parseJson } from "./json-parse.ts";

const numRuns = fuzzRuns(1000);
const tokens = fc
  .array(
    fc.constantFrom(
      ...Array.from('{}[]:,"\\ \n'),
      "true",
      "null",
      '"a"',
      '"__proto__"',
      "1",
      "-0",
      "1.5",
      "1e400",
      "12345678901234567890",
      "\\u0000",
      "\\ud800",
      "\u2028",
    ),
    { maxLength: 30 },
  )
  .map((parts) => utf8Encode(parts.join("")));

test("any input gives a value or a typed error, the same decision as JSON.parse", () => {
  fc.assert(
    fc.property(fc.oneof(tokens, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      let accepted = true;
      try {
        goStringify(parseJson(bytes));
      } catch (error) {
        if (!isKopiaError(error, "JSON_INVALID")) throw error;
        accepted = false;
      }
      let expected = true;
      try {
        JSON.parse(goDecodeUtf8(bytes));
      } catch {
        expected = false;
      }
      expect(accepted).toBe(expected);
    }),
    { numRuns },
  );
});
