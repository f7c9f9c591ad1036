import { compareBytes, utf8Encode } from "./bytes.ts";
import { KopiaError } from "./errors.ts";
import { JsonNumber, RawJson, type JsonInput } from "./json-value.ts";
import { MAX_JSON_DEPTH } from "./limits.ts";
import { validUtf8Length } from "./utf8-validate.ts";

/** What Go escapes inside strings, HTML characters included (spec 2 §6.4). */
// oxlint-disable-next-line no-control-regex -- exactly the characters that JSON must escape
const ESCAPED = /["\\\u0000-\u001f<>&\u2028\u2029]/;
const ALL_ESCAPED = new RegExp(ESCAPED, "g");
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A JSON string as Go's `encoding/json` writes it, quotes included (spec 2 §6.4). Lone surrogates become U+FFFD. */
export function goQuote(text: string): string {
  return `"${escapeText(text.isWellFormed() ? text : text.toWellFormed())}"`;
}

/** As `goQuote` for raw bytes: each invalid UTF-8 byte becomes the escape `\ufffd` (spec 2 §6.4). */
export function goQuoteBytes(raw: Uint8Array): string {
  const text = decodeValid(raw);
  if (text !== undefined) return `"${escapeText(text)}"`;
  return `"${decodePieces(raw, { escape: escapeText, invalidByte: "\\ufffd" })}"`;
}

/** Text of raw bytes as Go converts them: each invalid UTF-8 byte becomes one U+FFFD (WHATWG decoders give other counts). */
export function goDecodeUtf8(raw: Uint8Array): string {
  return decodeValid(raw) ?? decodePieces(raw, { escape: (text) => text, invalidByte: "\ufffd" });
}

/**
 * Compact JSON as Go's `json.Marshal` writes it: HTML escapes, no white space, no trailing newline.
 *
 * @throws KopiaError LIMIT_EXCEEDED when nested too deep, RangeError for numbers that are not finite
 */
export function goStringify(value: JsonInput): string {
  return write(value, { newline: "", indent: "", colon: ":", levelsLeft: MAX_JSON_DEPTH });
}

/**
 * Indented JSON as Go's `json.MarshalIndent(value, "", indent)` writes it.
 *
 * @throws KopiaError LIMIT_EXCEEDED when nested too deep, RangeError for numbers that are not finite
 */
export function goMarshalIndent(value: JsonInput, indent = "  "): string {
  return write(value, { newline: "\n", indent, colon: ": ", levelsLeft: MAX_JSON_DEPTH });
}

interface Layout {
  /** A line break with the indentation of the current level; empty when compact. */
  readonly newline: string;
  readonly indent: string;
  readonly colon: string;
  readonly levelsLeft: number;
}

function write(value: JsonInput, layout: Layout): string {
  switch (typeof value) {
    case "string":
      return goQuote(value);
    case "number":
      return writeNumber(value);
    case "bigint":
    case "boolean":
      return String(value);
    default:
      return value === null ? "null" : writeStructure(value, layout);
  }
}

function writeStructure(value: Extract<JsonInput, object>, layout: Layout): string {
  if (value instanceof JsonNumber || value instanceof RawJson) return value.text;
  if (layout.levelsLeft === 0) {
    throw new KopiaError("LIMIT_EXCEEDED", `JSON nested deeper than ${MAX_JSON_DEPTH} levels`, {
      details: { maxDepth: MAX_JSON_DEPTH },
    });
  }
  const inner: Layout = {
    ...layout,
    newline: layout.newline + layout.indent,
    levelsLeft: layout.levelsLeft - 1,
  };
  if (Array.isArray(value)) {
    const elements = (value as readonly JsonInput[]).map((element) => write(element, inner));
    return enclose({ open: "[", parts: elements, close: "]", inner, outer: layout });
  }
  const parts: string[] = [];
  for (const [key, member] of value instanceof Map ? sortedEntries(value) : Object.entries(value)) {
    if (member !== undefined) parts.push(goQuote(key) + layout.colon + write(member, inner));
  }
  return enclose({ open: "{", parts, close: "}", inner, outer: layout });
}

function enclose(structure: {
  readonly open: string;
  readonly parts: readonly string[];
  readonly close: string;
  readonly inner: Layout;
  readonly outer: Layout;
}): string {
  const { open, parts, close, inner, outer } = structure;
  if (parts.length === 0) return open + close;
  return open + inner.newline + parts.join(`,${inner.newline}`) + outer.newline + close;
}

/** Go writes the shortest digits that read back, with an exponent below 1e-6 and from 1e21 on, as JavaScript does. */
function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} has no JSON form`);
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Go sorts the keys of maps by their UTF-8 bytes. */
function sortedEntries(map: ReadonlyMap<string, JsonInput>): [string, JsonInput][] {
  return [...map].sort(([a], [b]) => compareBytes(utf8Encode(a), utf8Encode(b)));
}

function escapeText(text: string): string {
  return ESCAPED.test(text) ? text.replace(ALL_ESCAPED, escapeCharacter) : text;
}

function escapeCharacter(character: string): string {
  return SHORT_ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function decodeValid(raw: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(raw);
  } catch {
    return undefined;
  }
}

interface PieceRules {
  readonly escape: (validText: string) => string;
  readonly invalidByte: string;
}

/** Decodes valid stretches; after an error Go goes on one byte further (spec 2 §6.4). */
function decodePieces(raw: Uint8Array, rules: PieceRules): string {
  let text = "";
  let at = 0;
  while (at < raw.length) {
    const length = validUtf8Length(raw, at);
    if (length > 0) text += rules.escape(strictDecoder.decode(raw.subarray(at, at + length)));
    at += length;
    if (at < raw.length) {
      text += rules.invalidByte;
      at++;
    }
  }
  return text;
}
