import type { PatternClassItem } from "./pattern-token.ts";

/** Whether a code point is white space as Unicode's White_Space property says. */
export function isWhiteSpace(codePoint: number): boolean {
  if (codePoint < 0x80) return codePoint === 0x20 || (codePoint >= 0x09 && codePoint <= 0x0d);
  return /\p{White_Space}/u.test(String.fromCodePoint(codePoint));
}

/** The named classes of `[:name:]` (spec 2 §7.7 step 7), by lower-case name. */
export const NAMED_CLASSES: ReadonlyMap<string, PatternClassItem> = new Map<
  string,
  PatternClassItem
>([
  ["alnum", matching(/[\p{L}\p{Nd}]/u)],
  ["alpha", matching(/\p{L}/u)],
  ["ascii", (codePoint) => codePoint <= 0x7f],
  ["blank", matching(/[\p{Zs}\t]/u)],
  ["cntrl", matching(/\p{Cc}/u)],
  ["digit", matching(/\p{Nd}/u)],
  ["graph", matching(/[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]/u)],
  ["lower", matching(/\p{Ll}/u)],
  ["print", matching(/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u)],
  ["punct", matching(/[\p{P}\p{S}]/u)],
  ["space", isWhiteSpace],
  ["upper", matching(/\p{Lu}/u)],
  ["xdigit", matching(/[A-Fa-f\p{Nd}]/u)],
]);

function matching(expression: RegExp): PatternClassItem {
  return (codePoint) => expression.test(String.fromCodePoint(codePoint));
}
