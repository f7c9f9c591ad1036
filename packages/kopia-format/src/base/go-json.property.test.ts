import fc from "fast-check";
import { expect, test } from "vitest";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { utf8Encode } from "./bytes.ts";
import { goDecodeUtf8, goQuote, goQuoteBytes, goStringify } from "./go-json.ts";
import { parseJson } from "./json-parse.ts";

const numRuns = fuzzRuns(300);

/** UTF-8 decoding by the rule of spec 2 §6.4, written plainly: one byte on after an error. */
function decodeByTheRule(raw: Uint8Array): string {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  for (let at = 0; at < raw.length;) {
    let lengthBytes = 0;
    for (let length = 1; length <= 4 && lengthBytes === 0; length++) {
      try {
        const decoded = strict.decode(raw.subarray(at, at + length));
        if (at + length <= raw.length && Array.from(decoded).length === 1) lengthBytes = length;
      } catch {
        // Not a whole character.
      }
    }
    text += lengthBytes === 0 ? "\ufffd" : strict.decode(raw.subarray(at, at + lengthBytes));
    at += lengthBytes || 1;
  }
  return text;
}

const bytesNearUtf8 = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 3 }).map((text) => Array.from(utf8Encode(text))),
      fc.array(fc.constantFrom(0xff, 0xe2, 0x82, 0xed, 0xa0, 0x80, 0xf4, 0x90, 0xc0, 0xf0, 0x9f), {
        maxLength: 4,
      }),
    ),
    { maxLength: 10 },
  )
  .map((parts) => new Uint8Array(parts.flat()));

test("bytes decode by Go's rule", () => {
  fc.assert(
    fc.property(bytesNearUtf8, (raw) => {
      expect(goDecodeUtf8(raw)).toBe(decodeByTheRule(raw));
    }),
    { numRuns },
  );
});

test("a quoted string is read back, by us and by JSON.parse", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const quoted = goQuote(text);
      expect(JSON.parse(quoted)).toBe(text.toWellFormed());
      expect(parseJson(quoted)).toBe(text.toWellFormed());
      expect(quoted).not.toMatch(/[<>&\u2028\u2029]/);
      expect(goQuoteBytes(utf8Encode(text))).toBe(quoted);
    }),
    { numRuns },
  );
});

test("quoted bytes decode to what Go would decode", () => {
  fc.assert(
    fc.property(bytesNearUtf8, (raw) => {
      expect(JSON.parse(goQuoteBytes(raw))).toBe(goDecodeUtf8(raw));
    }),
    { numRuns },
  );
});

test("any JSON value is read back from its text", () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 4 }), (value) => {
      const text = goStringify(value);
      expect(JSON.parse(text, withoutMinusZero)).toEqual(
        JSON.parse(JSON.stringify(value, wellFormed)),
      );
    }),
    { numRuns },
  );
});

function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === "string" ? value.toWellFormed() : value;
}

/** JSON.stringify writes -0 as 0, Go keeps it. */
function withoutMinusZero(_key: string, value: unknown): unknown {
  return Object.is(value, -0) ? 0 : value;
}
