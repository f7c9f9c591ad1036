import { KopiaError, utf8Encode } from "@kopia-engine/kopia-format";
import { NAMED_CLASSES, isWhiteSpace } from "./pattern-class.ts";
import {
  SEPARATOR,
  type CompiledPattern,
  type PatternClassItem,
  type PatternToken,
} from "./pattern-token.ts";

/** A pattern may not have more runs of stars than this: matching recurses once for each. */
const MAX_STAR_RUNS = 2 ** 8;

const UNTERMINATED = "unterminated sequence, expected ']'";

const BACKSLASH = 0x5c;
const BANG = 0x21;
const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const COLON = 0x3a;
const HYPHEN = 0x2d;

/** The pattern text while it is being read. */
interface PatternCursor {
  readonly text: string;
  /** Code points of the trimmed text. */
  readonly points: readonly number[];
  position: number;
  /** Where tokens end: before a trailing `/`. */
  readonly end: number;
}

/**
 * Compiles an ignore pattern (spec 2 §7.7).
 * @param base path of the directory that the pattern belongs to: empty for the root, else `/a/b`.
 * @throws KopiaError `IGNORE_PATTERN_INVALID` with Kopia's text.
 */
export function compilePattern(pattern: string, base = ""): CompiledPattern {
  const text = trimPattern(pattern);
  const points = Array.from(text, (char) => char.codePointAt(0) as number);
  let position = 0;
  while (position < points.length && isWhiteSpace(points[position] as number)) position++;
  const isNegated = points[position] === BANG;
  if (isNegated) position++;
  const isRooted = points[position] === SEPARATOR;
  const directoriesOnly = position < points.length && points.at(-1) === SEPARATOR;
  const cursor: PatternCursor = {
    text,
    points,
    position,
    end: points.length - (directoriesOnly ? 1 : 0),
  };
  const tokens = prefixTokens(points, { position, isRooted, base: withoutTrailingSlash(base) });
  while (cursor.position < cursor.end) tokens.push(nextToken(cursor));
  const starRuns = tokens.filter(({ kind }) => kind === "star" || kind === "doubleStar").length;
  if (starRuns > MAX_STAR_RUNS) {
    throw invalidPattern(text, `more than ${MAX_STAR_RUNS} wildcards`);
  }
  return { isNegated, directoriesOnly, tokens };
}

/** Step 1: `ab ` loses its space, `a ` and `ab\ ` do not. The condition counts bytes of UTF-8. */
function trimPattern(pattern: string): string {
  const bytes = utf8Encode(pattern);
  if (bytes.length <= 2 || bytes.at(-2) === BACKSLASH) return pattern;
  let start = 0;
  let end = pattern.length;
  // White space lies in the basic plane: one UTF-16 unit each.
  while (start < end && isWhiteSpace(pattern.charCodeAt(start))) start++;
  while (end > start && isWhiteSpace(pattern.charCodeAt(end - 1))) end--;
  return pattern.slice(start, end);
}

function withoutTrailingSlash(base: string): string {
  return base.length > 1 && base.endsWith("/") ? base.slice(0, -1) : base;
}

/** Steps 3 and 4: the base, and `**`/`/` in front of patterns that may match at any depth. */
function prefixTokens(
  points: readonly number[],
  { position, isRooted, base }: { position: number; isRooted: boolean; base: string },
): PatternToken[] {
  const tokens: PatternToken[] = [];
  if (points.length === 0) return tokens;
  if (base !== "") {
    for (const char of base)
      tokens.push({ kind: "literal", codePoint: char.codePointAt(0) as number });
    if (!isRooted) tokens.push({ kind: "separator" });
  }
  const isDoubleStar = points.length === 2 && points[0] === STAR && points[1] === STAR;
  if (isRooted || isDoubleStar) return tokens;
  const slash = points.indexOf(SEPARATOR, position);
  if (slash < 0 || slash === points.length - 1) {
    tokens.push({ kind: "doubleStar" }, { kind: "separator" });
  } else if (base === "") {
    tokens.push({ kind: "separator" });
  }
  return tokens;
}

function nextToken(cursor: PatternCursor): PatternToken {
  const codePoint = cursor.points[cursor.position] as number;
  switch (codePoint) {
    case BACKSLASH:
      cursor.position++;
      return { kind: "literal", codePoint: escapedPoint(cursor) };
    case QUESTION:
      cursor.position++;
      return { kind: "any" };
    case SEPARATOR:
      cursor.position++;
      return { kind: "separator" };
    case OPEN:
      cursor.position++;
      return classToken(cursor);
    case STAR:
      return starToken(cursor);
    default:
      cursor.position++;
      return { kind: "literal", codePoint };
  }
}

function escapedPoint(cursor: PatternCursor): number {
  if (cursor.position >= cursor.end) {
    throw invalidPattern(
      cursor.text,
      "end of line found after '\\' character. Use '\\\\' to indicate a literal backslash in a pattern",
    );
  }
  return cursor.points[cursor.position++] as number;
}

/** Step 6: a run of stars. Whether it is double depends on the characters around it. */
function starToken(cursor: PatternCursor): PatternToken {
  const start = cursor.position;
  while (cursor.points[cursor.position] === STAR) cursor.position++;
  if (cursor.position - start < 2) return { kind: "star" };
  const before = start === 0 ? undefined : cursor.points[start - 1];
  const after = cursor.points[cursor.position];
  const isDouble =
    before === undefined || (before === SEPARATOR && (after === undefined || after === SEPARATOR));
  return { kind: isDouble ? "doubleStar" : "star" };
}

/** Step 7: a class, the cursor behind its `[`. */
function classToken(cursor: PatternCursor): PatternToken {
  const isNegated = cursor.points[cursor.position] === BANG;
  if (isNegated) cursor.position++;
  const items: PatternClassItem[] = [];
  for (;;) {
    if (cursor.position >= cursor.end) throw invalidPattern(goQuoted(cursor.text), UNTERMINATED);
    const codePoint = cursor.points[cursor.position] as number;
    if (codePoint === CLOSE) {
      cursor.position++;
      return { kind: "class", isNegated, items };
    }
    items.push(classItem(cursor));
  }
}

function classItem(cursor: PatternCursor): PatternClassItem {
  const first = cursor.points[cursor.position++] as number;
  const low = first === BACKSLASH ? escapedPoint(cursor) : first;
  // Also behind a backslash: `[\[:upper:]x]` has a named class, in Kopia as well.
  if (low === OPEN && cursor.points[cursor.position] === COLON) {
    const named = namedClass(cursor);
    if (named !== undefined) return named;
  }
  const afterHyphen = cursor.points[cursor.position + 1];
  const isRange =
    cursor.points[cursor.position] === HYPHEN &&
    cursor.position + 1 < cursor.end &&
    afterHyphen !== CLOSE;
  if (!isRange) return (codePoint) => codePoint === low;
  cursor.position++;
  const next = cursor.points[cursor.position++] as number;
  const high = next === BACKSLASH ? escapedPoint(cursor) : next;
  return (codePoint) => codePoint >= low && codePoint <= high;
}

/**
 * `[:name:]` with the cursor at its first colon; `undefined` when Kopia does not recognise it there. That
 * depends on where in the pattern it stands (the quirk of step 7), and is kept as it is.
 */
function namedClass(cursor: PatternCursor): PatternClassItem | undefined {
  const colon = cursor.position;
  const close = cursor.points.indexOf(CLOSE, colon);
  if (close < 0 || close >= cursor.end) throw invalidPattern(cursor.text, UNTERMINATED);
  const distance = close - colon;
  if (distance - 1 <= colon || cursor.points[close - 1] !== COLON) return undefined;
  const name = String.fromCodePoint(...cursor.points.slice(colon + 1, close - 1)).toLowerCase();
  const item = NAMED_CLASSES.get(name);
  if (item === undefined) {
    throw invalidPattern(goQuoted(cursor.text), `unrecognized character class [:${name}:]`);
  }
  cursor.position = close + 1;
  return item;
}

/** @param shown the pattern as the message shows it: escaped in some of Kopia's messages, as it is in others. */
function invalidPattern(shown: string, problem: string): KopiaError {
  return new KopiaError("IGNORE_PATTERN_INVALID", `invalid pattern "${shown}": ${problem}`);
}

/** Backslashes, quotes and control characters escaped as Go's `%q` does. */
function goQuoted(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(/\\u00(1f|[01][0-9a-f])/g, "\\x$1");
}
