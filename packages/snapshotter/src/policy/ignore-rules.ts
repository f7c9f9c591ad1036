import { goDecodeUtf8, isKopiaError, KopiaError } from "@kopia-engine/kopia-format";
import { compilePattern } from "./compile-pattern.ts";
import { createPatternMatcher, type PatternMatcher } from "./match-pattern.ts";
import { isWhiteSpace } from "./pattern-class.ts";

/** A line as long as this ends the reading of an ignore file, silently (spec 2 §7.6). */
const MAX_LINE_BYTES = 2 ** 16;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const HASH = 0x23;

/**
 * Patterns of an ignore file: its lines without comments and blank ones (spec 2 §7.6). A comment has `#` as
 * its very first byte.
 */
export function parseIgnoreFile(data: Uint8Array): string[] {
  const patterns: string[] = [];
  let start = 0;
  while (start < data.length) {
    const lineFeed = data.indexOf(LINE_FEED, start);
    const lineEnd = lineFeed < 0 ? data.length : lineFeed;
    if (lineEnd - start >= MAX_LINE_BYTES) break;
    const end = lineEnd > start && data[lineEnd - 1] === CARRIAGE_RETURN ? lineEnd - 1 : lineEnd;
    if (data[start] !== HASH) {
      const line = goDecodeUtf8(data.subarray(start, end));
      if (!isBlank(line)) patterns.push(line);
    }
    start = lineEnd + 1;
  }
  return patterns;
}

/** Where a rule comes from. */
export interface RulePlace {
  /** Path of the directory that the rule belongs to: empty for the root, else `/a/b`. */
  readonly base: string;
  /** Begins the message when the rule is invalid: Kopia's words, which end up in listings (spec 2 §6.7). */
  readonly place: string;
}

/**
 * Compiles one rule.
 * @throws KopiaError `IGNORE_PATTERN_INVALID`, its cause the error of the pattern alone.
 */
export function compileRule(pattern: string, { base, place }: RulePlace): PatternMatcher {
  try {
    return createPatternMatcher(compilePattern(pattern, base));
  } catch (cause) {
    if (!isKopiaError(cause, "IGNORE_PATTERN_INVALID")) throw cause;
    throw new KopiaError("IGNORE_PATTERN_INVALID", `${place}: ${cause.message}`, {
      cause,
      details: { pattern, directory: base === "" ? "/" : base },
    });
  }
}

/**
 * Whether rules, outermost first, leave a path out. A plain rule can only ignore, a `!` rule only take back,
 * so the last rule that applies decides (spec 2 §7.6).
 */
export function rulesIgnore(
  rules: readonly PatternMatcher[],
  path: { readonly points: ArrayLike<number>; readonly lengthPoints: number },
  isDirectory: boolean,
): boolean {
  let isIgnored = false;
  for (const rule of rules) {
    if (rule.isNegated !== isIgnored) continue;
    if (rule.matches(path.points, path.lengthPoints, isDirectory)) isIgnored = !isIgnored;
  }
  return isIgnored;
}

function isBlank(line: string): boolean {
  for (const char of line) if (!isWhiteSpace(char.codePointAt(0) as number)) return false;
  return true;
}
