import { KopiaError } from "./errors.ts";
import { goDecodeUtf8 } from "./go-json.ts";
import { JsonTextParser } from "./json-text-parser.ts";
import type { JsonObject, JsonValue } from "./json-value.ts";
import { MAX_JSON_BYTES, MAX_JSON_DEPTH } from "./limits.ts";

/** How `parseJson` reads. */
export interface JsonParseOptions {
  /** What is parsed, for messages: `kopia.maintenance`, `manifest content m12…`. Default `JSON document`. */
  readonly where?: string;
  /** Refuse longer documents. Default `MAX_JSON_BYTES`. */
  readonly maxLengthBytes?: number;
  /** Refuse deeper nesting. Default `MAX_JSON_DEPTH`. */
  readonly maxDepth?: number;
  /** `ignore`: stop after the first value, as Go's stream decoder does. Default `refuse`. */
  readonly trailingData?: "refuse" | "ignore";
}

/**
 * A number that `JSON.parse` could round, or whose literal matters: 16 digits and more, a fraction, an
 * exponent. It stands at the start, after a colon, or in an array; text inside strings may match too,
 * which costs time but nothing else.
 */
const INEXACT_NUMBER = /(?:^|"\s*:|[[,])\s*-?(?:\d{16}|\d+[.eE])/;

/**
 * Parses a JSON document without losing anything: see `JsonValue` for how numbers are kept.
 * Invalid UTF-8 becomes one U+FFFD a byte, as in Go. The last of duplicate keys wins.
 *
 * @throws KopiaError JSON_INVALID (with the offset in characters), LIMIT_EXCEEDED
 */
export function parseJson(input: string | Uint8Array, options: JsonParseOptions = {}): JsonValue {
  const where = options.where ?? "JSON document";
  const maxDepth = options.maxDepth ?? MAX_JSON_DEPTH;
  const maxLengthBytes = options.maxLengthBytes ?? MAX_JSON_BYTES;
  if (input.length > maxLengthBytes) {
    throw new KopiaError(
      "LIMIT_EXCEEDED",
      `${where}: ${input.length} bytes of JSON, at most ${maxLengthBytes} are accepted`,
      { details: { where, lengthBytes: input.length, maxLengthBytes } },
    );
  }
  const text = typeof input === "string" ? input : goDecodeUtf8(input);
  const fast = INEXACT_NUMBER.test(text) ? undefined : parseNatively(text);
  if (fast !== undefined && isWithinDepth(fast, maxDepth)) return fast;
  // The native parser's messages quote the document, which may hold secrets: parse again for our own.
  const parser = new JsonTextParser(text, { where, maxDepth });
  return parser.parse(options.trailingData ?? "refuse");
}

function parseNatively(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function isWithinDepth(value: JsonValue, levelsLeft: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (levelsLeft <= 0) return false;
  return Array.isArray(value)
    ? areElementsWithinDepth(value as readonly JsonValue[], levelsLeft - 1)
    : areFieldsWithinDepth(value as JsonObject, levelsLeft - 1);
}

function areElementsWithinDepth(array: readonly JsonValue[], levelsLeft: number): boolean {
  for (const element of array) {
    if (typeof element === "object" && !isWithinDepth(element, levelsLeft)) return false;
  }
  return true;
}

function areFieldsWithinDepth(object: JsonObject, levelsLeft: number): boolean {
  for (const key in object) {
    const child = object[key];
    if (typeof child === "object" && !isWithinDepth(child, levelsLeft)) return false;
  }
  return true;
}
