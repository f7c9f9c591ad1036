import { expect, test } from "vitest";
import { wildcardMatcher } from "./wildcard.ts";

test.each([
  ["*.txt", ["a.txt", ".txt"], ["a.txt2", "a.md", "d/a.txt"]],
  ["a?c", ["abc", "a.c"], ["ac", "abbc", "a/c"]],
  ["[a-c]x", ["ax", "bx"], ["dx", "x", "aax"]],
  ["[^a-c]x", ["dx"], ["ax", "/x"]],
  ["[]a]x", ["]x", "ax"], ["bx"]],
  ["a.b+c$", ["a.b+c$"], ["aXb+c$", "a.bbc"]],
  ["\\*", ["*"], ["a", "\\*"]],
  ["\\[a]", ["[a]"], ["a"]],
  ["", [""], ["a"]],
  ["*", ["", "any.thing"], ["a/b"]],
  ["grüße?", ["grüße1", "grüße😀"], ["grüße", "grüße12"]],
])("%s", (pattern, fitting, others) => {
  const matches = wildcardMatcher(pattern);
  for (const name of fitting) expect(matches(name), name).toBe(true);
  for (const name of others) expect(matches(name), name).toBe(false);
});

test.each(["[a", "a\\", "[", "[^"])("%s is no pattern", (pattern) => {
  expect(() => wildcardMatcher(pattern)).toThrow(RangeError);
});
