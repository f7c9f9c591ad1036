import type { Bytes } from "./bytes.ts";
import { KopiaError } from "./errors.ts";

/** Values nested deeper than this are refused: Go's decoder stops at 10,000, no document here needs 100. */
const MAX_DEPTH = 1000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

// Kinds of bytes outside strings.
const SPACE_BYTES = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** A slice of JSON text: start inclusive, end exclusive. */
export interface JsonSpan {
  readonly start: number;
  readonly end: number;
}

/** First position at or after `position` that is not JSON white space. */
export function skipJsonSpace(json: Uint8Array, position: number): number {
  let at = position;
  while (at < json.length && SPACE_BYTES.has(json[at] as number)) at++;
  return at;
}

/**
 * Finds where the JSON value that starts at `position` ends, checking its syntax but decoding nothing.
 * Without recursion, so that depth costs no stack.
 * @throws KopiaError `JSON_INVALID` naming the byte offset.
 */
export function jsonValueEnd(json: Uint8Array, position: number): number {
  // One entry an open container: its closing byte.
  const open: number[] = [];
  let at = valueStart(json, position, open);
  while (open.length > 0) {
    at = skipJsonSpace(json, at);
    const byte = json[at];
    const closing = open[open.length - 1] as number;
    if (byte === closing) {
      open.pop();
      at++;
    } else if (byte === COMMA) {
      at = skipJsonSpace(json, at + 1);
      if (closing === CLOSE_BRACE) at = memberValueStart(json, at);
      at = valueStart(json, at, open);
    } else {
      throw invalidAt(json, at);
    }
  }
  return at;
}

/** Members of the JSON object that starts at `position`: decoded key and the extent of the value, in order. */
export function* jsonMembers(
  json: Uint8Array,
  position: number,
): Generator<{ readonly key: string; readonly value: JsonSpan }> {
  let at = skipJsonSpace(json, position);
  if (json[at] !== OPEN_BRACE) throw invalidAt(json, at);
  at = skipJsonSpace(json, at + 1);
  if (json[at] === CLOSE_BRACE) return;
  for (;;) {
    const keyEnd = stringEnd(json, at);
    const key = decodeString(json, { start: at, end: keyEnd });
    const start = memberValueStart(json, at);
    const end = jsonValueEnd(json, start);
    yield { key, value: { start, end } };
    at = skipJsonSpace(json, end);
    if (json[at] === CLOSE_BRACE) return;
    if (json[at] !== COMMA) throw invalidAt(json, at);
    at = skipJsonSpace(json, at + 1);
  }
}

/** Extents of the elements of the JSON array that starts at `position`. */
export function* jsonElements(json: Uint8Array, position: number): Generator<JsonSpan> {
  let at = skipJsonSpace(json, position);
  if (json[at] !== OPEN_BRACKET) throw invalidAt(json, at);
  at = skipJsonSpace(json, at + 1);
  if (json[at] === CLOSE_BRACKET) return;
  for (;;) {
    const end = jsonValueEnd(json, at);
    yield { start: at, end };
    at = skipJsonSpace(json, end);
    if (json[at] === CLOSE_BRACKET) return;
    if (json[at] !== COMMA) throw invalidAt(json, at);
    at = skipJsonSpace(json, at + 1);
  }
}

/**
 * JSON text with white space removed and `<`, `>`, `&`, U+2028 and U+2029 escaped, everything else byte for
 * byte: numbers, escapes, key order and repeated keys stay (spec 2 §4.2).
 * @throws KopiaError `JSON_INVALID` when the bytes are not exactly one JSON value.
 */
export function compactJson(json: Uint8Array): Bytes {
  const start = skipJsonSpace(json, 0);
  const end = jsonValueEnd(json, start);
  if (skipJsonSpace(json, end) !== json.length) throw invalidAt(json, skipJsonSpace(json, end));
  // The longest replacement turns 1 byte into 6.
  const compact = new Uint8Array(compactLength(json, { start, end }));
  let length = 0;
  let inString = false;
  for (let at = start; at < end; at++) {
    const byte = json[at] as number;
    if (!inString && SPACE_BYTES.has(byte)) continue;
    if (byte === QUOTE) inString = !inString;
    const escape = htmlEscapeAt(json, at);
    if (escape !== undefined) {
      for (const unit of escape.text) compact[length++] = unit.charCodeAt(0);
      at += escape.lengthBytes - 1;
      continue;
    }
    compact[length++] = byte;
    if (inString && byte === BACKSLASH) compact[length++] = json[++at] as number;
  }
  return compact;
}

function compactLength(json: Uint8Array, span: JsonSpan): number {
  let length = 0;
  let inString = false;
  for (let at = span.start; at < span.end; at++) {
    const byte = json[at] as number;
    if (!inString && SPACE_BYTES.has(byte)) continue;
    if (byte === QUOTE) inString = !inString;
    const escape = htmlEscapeAt(json, at);
    if (escape !== undefined) {
      length += escape.text.length;
      at += escape.lengthBytes - 1;
      continue;
    }
    length++;
    if (inString && byte === BACKSLASH) {
      at++;
      length++;
    }
  }
  return length;
}

interface HtmlEscape {
  readonly text: string;
  readonly lengthBytes: number;
}

const ESCAPE_LESS: HtmlEscape = { text: String.raw`\u003c`, lengthBytes: 1 };
const ESCAPE_GREATER: HtmlEscape = { text: String.raw`\u003e`, lengthBytes: 1 };
const ESCAPE_AMPERSAND: HtmlEscape = { text: String.raw`\u0026`, lengthBytes: 1 };
const ESCAPE_LINE: HtmlEscape = { text: String.raw`\u2028`, lengthBytes: 3 };
const ESCAPE_PARAGRAPH: HtmlEscape = { text: String.raw`\u2029`, lengthBytes: 3 };

// These characters occur in strings only, the syntax has been checked before.
function htmlEscapeAt(json: Uint8Array, at: number): HtmlEscape | undefined {
  const byte = json[at];
  if (byte === 0x3c) return ESCAPE_LESS;
  if (byte === 0x3e) return ESCAPE_GREATER;
  if (byte === 0x26) return ESCAPE_AMPERSAND;
  // U+2028 and U+2029 are E2 80 A8 and E2 80 A9.
  if (byte !== 0xe2 || json[at + 1] !== 0x80) return undefined;
  if (json[at + 2] === 0xa8) return ESCAPE_LINE;
  return json[at + 2] === 0xa9 ? ESCAPE_PARAGRAPH : undefined;
}

/** Enters the value at `position`: position after a scalar, or after the opening of a container (pushed on `open`). */
function valueStart(json: Uint8Array, position: number, open: number[]): number {
  let at = position;
  for (;;) {
    const byte = json[at];
    if (byte === QUOTE) return stringEnd(json, at);
    if (byte !== OPEN_BRACE && byte !== OPEN_BRACKET) return scalarEnd(json, at);
    const closing = byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET;
    open.push(closing);
    if (open.length > MAX_DEPTH) throw invalidAt(json, at);
    at = skipJsonSpace(json, at + 1);
    if (json[at] === closing) return at;
    if (closing === CLOSE_BRACE) at = memberValueStart(json, at);
  }
}

/** From the quote of a member's key to the start of its value. */
function memberValueStart(json: Uint8Array, position: number): number {
  const at = skipJsonSpace(json, stringEnd(json, position));
  if (json[at] !== COLON) throw invalidAt(json, at);
  return skipJsonSpace(json, at + 1);
}

function stringEnd(json: Uint8Array, position: number): number {
  if (json[position] !== QUOTE) throw invalidAt(json, position);
  let at = position + 1;
  while (at < json.length) {
    const byte = json[at] as number;
    if (byte === QUOTE) return at + 1;
    if (byte < 0x20) throw invalidAt(json, at);
    at = byte === BACKSLASH ? escapeEnd(json, at) : at + 1;
  }
  throw invalidAt(json, at);
}

function escapeEnd(json: Uint8Array, position: number): number {
  const kind = json[position + 1];
  // " \ / b f n r t
  if (kind !== undefined && SIMPLE_ESCAPES.has(kind)) return position + 2;
  if (kind !== 0x75) throw invalidAt(json, position);
  for (let digit = 0; digit < 4; digit++) {
    if (!isHexDigit(json[position + 2 + digit])) throw invalidAt(json, position);
  }
  return position + 6;
}

const SIMPLE_ESCAPES = new Set([0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74]);

function isHexDigit(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const lower = byte | 0x20;
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

const LITERALS: readonly (readonly number[])[] = ["true", "false", "null"].map((word) =>
  Array.from(word, (letter) => letter.charCodeAt(0)),
);

function scalarEnd(json: Uint8Array, position: number): number {
  for (const literal of LITERALS) {
    if (literal.every((byte, index) => json[position + index] === byte)) {
      return position + literal.length;
    }
  }
  return numberEnd(json, position);
}

// -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
function numberEnd(json: Uint8Array, position: number): number {
  let at = json[position] === 0x2d ? position + 1 : position;
  const leadingZero = json[at] === 0x30;
  at = leadingZero ? at + 1 : digitsEnd(json, at);
  if (json[at] === 0x2e) at = digitsEnd(json, at + 1);
  if (((json[at] ?? 0) | 0x20) === 0x65) {
    const sign = json[at + 1];
    at = digitsEnd(json, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1);
  }
  return at;
}

function digitsEnd(json: Uint8Array, position: number): number {
  let at = position;
  while (isDigit(json[at])) at++;
  if (at === position) throw invalidAt(json, at);
  return at;
}

const decoder = new TextDecoder();

function decodeString(json: Uint8Array, span: JsonSpan): string {
  return JSON.parse(decoder.decode(json.subarray(span.start, span.end))) as string;
}

function invalidAt(json: Uint8Array, at: number): KopiaError {
  const what =
    at >= json.length ? "the text ends too early" : `byte 0x${(json[at] ?? 0).toString(16)}`;
  return new KopiaError("JSON_INVALID", `not valid JSON at byte ${at}: ${what}`, {
    details: { offsetBytes: at },
  });
}
