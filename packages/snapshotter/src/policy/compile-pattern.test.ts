import { describe, expect, test } from "vitest";
import { compilePattern } from "./compile-pattern.ts";
import { createPatternMatcher } from "./match-pattern.ts";

/** Whether a pattern, its `!` left out of account, matches. */
function matches(pattern: string, base: string, text: string, isDirectory: boolean): boolean {
  const points = Array.from(text, (char) => char.codePointAt(0) as number);
  return createPatternMatcher(compilePattern(pattern, base)).matches(
    points,
    points.length,
    isDirectory,
  );
}

/** Vectors of spec 2 §7.7: pattern, base, text, d = directory, whether it matches. */
const VECTORS: readonly (readonly [string, string, string, "f" | "d", boolean])[] = [
  ["*.o", "", "/a.o", "f", true],
  ["*.o", "", "/x/y/a.o", "f", true],
  ["*.o", "", "/a.o", "d", true],
  ["build/", "", "/build", "d", true],
  ["build/", "", "/build", "f", false],
  ["build/", "", "/x/build", "d", true],
  ["/build", "", "/x/build", "d", false],
  ["a/b", "", "/a/b", "f", true],
  ["a/b", "", "/x/a/b", "f", false],
  ["a/b", "/src", "/src/a/b", "f", true],
  ["a/b", "/src", "/src/x/a/b", "f", false],
  ["a/b", "/src", "/a/b", "f", false],
  ["**/b", "", "/a/x/b", "f", true],
  ["**/b", "", "/b", "f", true],
  ["a/**", "", "/a/x/y", "f", true],
  ["a/**", "", "/a", "d", false],
  ["a/**/b", "", "/a/b", "f", true],
  ["a/**/b", "", "/a/x/y/b", "f", true],
  ["a**b", "", "/axb", "f", true],
  ["a**b", "", "/a/b", "f", false],
  ["**", "", "/x/y", "f", true],
  ["**", "/src", "/src/x/y", "f", true],
  ["*", "/src", "/src/x/y", "f", true],
  ["/*", "", "/x", "f", true],
  ["/*", "", "/x/y", "f", false],
  ["a?c", "", "/abc", "f", true],
  ["a?c", "", "/a/c", "f", false],
  ["[!a]x", "", "/bx", "f", true],
  ["[^a]x", "", "/bx", "f", false],
  ["[a/]x", "", "/ax", "f", true],
  ["x[a/]y", "", "/x/y", "f", true],
  ["[]a]x", "", "/ax", "f", false],
  ["\\!x", "", "/!x", "f", true],
  ["!x", "", "/x", "f", true],
  ["!x", "", "/y", "f", false],
  ["a\\ ", "", "/a ", "f", true],
  ["ab\\ ", "", "/ab ", "f", true],
  ["ab ", "", "/ab", "f", true],
  ["a ", "", "/a", "f", false],
  [" ab", "", "/ab", "f", true],
  ["a*/", "", "/abc", "d", true],
  ["A", "", "/a", "f", false],
  ["foo/*/", "", "/foo/bar", "d", true],
  ["foo/*/", "", "/foo/bar/baz", "d", false],
  ["*foo/bar", "", "/xfoo/bar", "f", true],
  ["**/", "", "/a", "d", true],
  ["[[:digit:]]*", "", "/7z", "f", true],
  ["{a,b}", "", "/a", "f", false],
  ["/", "", "/a", "d", false],
  ["*/*.c", "", "/a/b.c", "f", true],
  ["*/*.c", "", "/x/a/b.c", "f", false],
];

describe("vectors of spec 2 §7.7", () => {
  test.each(VECTORS)("%s under '%s' against %s (%s): %s", (pattern, base, text, kind, wanted) => {
    expect(matches(pattern, base, text, kind === "d")).toBe(wanted);
  });
});

test("a class name is only recognised where the quirk lets it be", () => {
  expect(matches("abc[[:digit:]]", "", "/abc7", false)).toBe(true);
  expect(matches("abcd[[:digit:]]", "", "/abcd7", false)).toBe(false);
  // There it is a class of `[`, `:`, d, i, g, t and then a `]`.
  expect(matches("abcd[[:digit:]]", "", "/abcdd]", false)).toBe(true);
});

test("code points count, not UTF-16 units", () => {
  expect(matches("a?b", "", "/a😀b", false)).toBe(true);
  expect(matches("[😀-😂]", "", "/😁", false)).toBe(true);
});

test.each([
  ["[ab", "unterminated sequence, expected ']'"],
  [
    "a\\",
    "end of line found after '\\' character. Use '\\\\' to indicate a literal backslash in a pattern",
  ],
  ["*".repeat(2).concat("/a").repeat(300), "more than 256 wildcards"],
])("refuses %s", (pattern, problem) => {
  expect(() => compilePattern(pattern)).toThrow(
    expect.objectContaining({
      code: "IGNORE_PATTERN_INVALID",
      message: `invalid pattern "${pattern}": ${problem}`,
    }),
  );
});

test("many double stars do not take exponential time", () => {
  const pattern = `${"**/".repeat(200)}x`;
  const path = "/a".repeat(200);
  expect(matches(pattern, "", path, false)).toBe(false);
  expect(matches(pattern, "", `${path}/x`, false)).toBe(true);
});
