import { SEPARATOR, type CompiledPattern, type PatternToken } from "./pattern-token.ts";

/** Results of a run; only MATCH counts as matched (spec 2 §7.7). */
const MATCH = 1;
const NO_MATCH = 2;
const ABORT_ALL = 3;
const ABORT_TO_DOUBLE_STAR = 4;
type RunResult = 1 | 2 | 3 | 4;

/** Patterns with more `**` than this remember their partial results: each could double the work. */
const UNREMEMBERED_DOUBLE_STARS = 2;

/** A matcher of one pattern. */
export interface PatternMatcher {
  readonly isNegated: boolean;
  /**
   * Whether the pattern, without its `!`, matches a path.
   * @param path code points of the path from the source's root, beginning with `/`.
   * @param lengthPoints how many of them count.
   */
  matches(path: ArrayLike<number>, lengthPoints: number, isDirectory: boolean): boolean;
}

/** Makes the matcher of a compiled pattern. */
export function createPatternMatcher(pattern: CompiledPattern): PatternMatcher {
  const tail = fixedTail(pattern.tokens);
  const doubleStars = pattern.tokens.filter(({ kind }) => kind === "doubleStar").length;
  return {
    isNegated: pattern.isNegated,
    matches(path, lengthPoints, isDirectory) {
      if (pattern.directoriesOnly && !isDirectory) return false;
      if (!endsWithTail(path, lengthPoints, tail)) return false;
      const run: MatchRun = {
        tokens: pattern.tokens,
        path,
        lengthPoints,
        known:
          doubleStars > UNREMEMBERED_DOUBLE_STARS
            ? new Uint8Array(pattern.tokens.length * (lengthPoints + 1))
            : undefined,
      };
      return matchFrom(run, 0, 0, false) === MATCH;
    },
  };
}

interface MatchRun {
  readonly tokens: readonly PatternToken[];
  readonly path: ArrayLike<number>;
  readonly lengthPoints: number;
  /** Results of nested runs by token and position, 0 = not yet known. */
  readonly known: Uint8Array | undefined;
}

/** Tokens behind the last star: each takes exactly one code point, so the path must end with them. */
function fixedTail(tokens: readonly PatternToken[]): readonly PatternToken[] {
  const lastStar = tokens.findLastIndex(({ kind }) => kind === "star" || kind === "doubleStar");
  return tokens.slice(lastStar + 1);
}

function endsWithTail(
  path: ArrayLike<number>,
  lengthPoints: number,
  tail: readonly PatternToken[],
): boolean {
  if (tail.length > lengthPoints) return false;
  for (let i = 1; i <= tail.length; i++) {
    const token = tail[tail.length - i] as PatternToken;
    if (!accepts(token, path[lengthPoints - i] as number)) return false;
  }
  return true;
}

/** Whether a token that is not a star takes this code point. */
function accepts(token: PatternToken, codePoint: number): boolean {
  switch (token.kind) {
    case "literal":
      return token.codePoint === codePoint;
    case "separator":
      return codePoint === SEPARATOR;
    case "any":
      return codePoint !== SEPARATOR;
    case "class": {
      for (const item of token.items) if (item(codePoint)) return !token.isNegated;
      return token.isNegated;
    }
    default:
      return false;
  }
}

/** A nested run from a token and a position, remembered where that pays. */
function nestedMatch(run: MatchRun, tokenIndex: number, position: number): RunResult {
  if (run.known === undefined) return matchFrom(run, tokenIndex, position, true);
  const place = tokenIndex * (run.lengthPoints + 1) + position;
  const known = run.known[place] as 0 | RunResult;
  if (known !== 0) return known;
  const result = matchFrom(run, tokenIndex, position, true);
  run.known[place] = result;
  return result;
}

function matchFrom(run: MatchRun, firstToken: number, start: number, isNested: boolean): RunResult {
  const { tokens, path, lengthPoints } = run;
  let position = start;
  for (let index = firstToken; index < tokens.length; index++) {
    const token = tokens[index] as PatternToken;
    if (token.kind !== "star" && token.kind !== "doubleStar") {
      if (position >= lengthPoints) return ABORT_ALL;
      if (!accepts(token, path[position] as number)) return NO_MATCH;
      position++;
      continue;
    }
    if (index === tokens.length - 1) return lastStarResult(run, token, position);
    if (token.kind === "star" && tokens[index + 1]?.kind === "separator") {
      const slash = nextSeparator(run, position);
      if (slash < 0) return NO_MATCH;
      // Kopia's cursor becomes −1 here and its run ends (spec 2 §7.7 "Oddity").
      if (isNested && slash === start) return NO_MATCH;
      position = slash;
      continue;
    }
    return matchAfterStar(run, index, position);
  }
  return position === lengthPoints ? MATCH : NO_MATCH;
}

function lastStarResult(run: MatchRun, token: PatternToken, position: number): RunResult {
  if (token.kind === "doubleStar") return MATCH;
  return nextSeparator(run, position) < 0 ? MATCH : NO_MATCH;
}

function nextSeparator({ path, lengthPoints }: MatchRun, from: number): number {
  for (let position = from; position < lengthPoints; position++) {
    if (path[position] === SEPARATOR) return position;
  }
  return -1;
}

/** Tries the tokens behind a star at every position. */
function matchAfterStar(run: MatchRun, starIndex: number, start: number): RunResult {
  const { tokens, path, lengthPoints } = run;
  const isDouble = (tokens[starIndex] as PatternToken).kind === "doubleStar";
  if (isDouble && tokens[starIndex + 1]?.kind === "separator" && starIndex + 2 < tokens.length) {
    if (nestedMatch(run, starIndex + 2, start) === MATCH) return MATCH;
  }
  let previous = path[start];
  for (let position = start; position < lengthPoints; position++) {
    const result = nestedMatch(run, starIndex + 1, position);
    if (result !== NO_MATCH && !(isDouble && result === ABORT_TO_DOUBLE_STAR)) return result;
    if (!isDouble && previous === SEPARATOR) return ABORT_TO_DOUBLE_STAR;
    previous = path[position];
  }
  return ABORT_ALL;
}
