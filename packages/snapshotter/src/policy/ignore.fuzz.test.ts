import { isKopiaError, utf8Encode } from "@kopia-engine/kopia-format";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compilePattern } from "./compile-pattern.ts";
import { parseIgnoreFile } from "./ignore-rules.ts";
import { createPatternMatcher } from "./match-pattern.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);

const patternText = fc.string({
  unit: fc.constantFrom(...Array.from("ab/*?[]!\\-:^ .{}é😀"), "[:digit:]", "**/", "\u0000"),
  maxLength: 30,
});
const path = fc
  .array(
    fc.string({ unit: fc.constantFrom(...Array.from("ab.é😀")), minLength: 1, maxLength: 4 }),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  .map((parts) => `/${parts.join("/")}`);
const points = (text: string): number[] =>
  Array.from(text, (char) => char.codePointAt(0) as number);

test("any pattern compiles and ends, or is refused as IGNORE_PATTERN_INVALID", () => {
  fc.assert(
    fc.property(fc.oneof(patternText, fc.string()), path, fc.boolean(), (pattern, text, isDir) => {
      try {
        const matcher = createPatternMatcher(compilePattern(pattern, "/a"));
        const textPoints = points(text);
        expect(typeof matcher.matches(textPoints, textPoints.length, isDir)).toBe("boolean");
      } catch (error) {
        expect(isKopiaError(error, "IGNORE_PATTERN_INVALID")).toBe(true);
      }
    }),
    { numRuns: numRuns * 5 },
  );
});

test("an escaped path matches itself and nothing else", () => {
  fc.assert(
    fc.property(path, path, (own, other) => {
      const escaped = own.replaceAll(/[^/]/gu, "\\$&");
      const matcher = createPatternMatcher(compilePattern(escaped));
      const ownPoints = points(own);
      expect(matcher.matches(ownPoints, ownPoints.length, false)).toBe(true);
      const otherPoints = points(other);
      expect(matcher.matches(otherPoints, otherPoints.length, false)).toBe(own === other);
    }),
    { numRuns },
  );
});

test("lines of ignore files: comments and blank lines go, carriage returns are dropped", () => {
  expect(parseIgnoreFile(utf8Encode("# c\n#\n\n \t\u00a0\na\r\n #x\nb"))).toEqual([
    "a",
    " #x",
    "b",
  ]);
});

test("a line of 64 KiB ends the file", () => {
  const long = "x".repeat(65_536);
  expect(parseIgnoreFile(utf8Encode(`a\n${long}\nb`))).toEqual(["a"]);
  expect(parseIgnoreFile(utf8Encode(`a\n${long.slice(1)}\nb`))).toHaveLength(3);
});

test("any bytes are an ignore file", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(
        parseIgnoreFile(bytes).every((line) => line.trim() !== "" && !line.includes("\n")),
      ).toBe(true);
    }),
    { numRuns },
  );
});
