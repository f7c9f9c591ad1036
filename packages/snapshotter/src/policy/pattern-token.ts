/** One token of a compiled ignore pattern (spec 2 §7.7 step 6). */
export type PatternToken =
  | { readonly kind: "literal"; readonly codePoint: number }
  | { readonly kind: "any" }
  | { readonly kind: "separator" }
  | {
      readonly kind: "class";
      readonly isNegated: boolean;
      readonly items: readonly PatternClassItem[];
    }
  | { readonly kind: "star" }
  | { readonly kind: "doubleStar" };

/** One item of a character class: a test of a code point. */
export type PatternClassItem = (codePoint: number) => boolean;

/** A compiled pattern. */
export interface CompiledPattern {
  /** It began with `!`. */
  readonly isNegated: boolean;
  /** It ended with `/`. */
  readonly directoriesOnly: boolean;
  readonly tokens: readonly PatternToken[];
}

/** `/` as a code point. */
export const SEPARATOR = 0x2f;
