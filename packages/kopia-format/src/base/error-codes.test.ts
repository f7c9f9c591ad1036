import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ERROR_CODES, type ErrorCode } from "./error-codes.ts";

const page = readFileSync(new URL("../../../../docs/ERRORS.md", import.meta.url), "utf8");
const sections = page.split(/^## /m).slice(1).map(parseSection);
const codes = Object.keys(ERROR_CODES) as ErrorCode[];

function parseSection(section: string): {
  code: string;
  retry: string;
  cause: string;
  advice: string;
} {
  const [code = "", ...paragraphs] = section.trim().split(/\n+(?=\*\*)|\n\n/);
  const text = (label: string): string =>
    paragraphs
      .find((paragraph) => paragraph.startsWith(label))
      ?.slice(label.length)
      .replaceAll(/\s+/g, " ")
      .trim() ?? "";
  return {
    code,
    retry: text("**Retry:**"),
    cause: text("**Cause.**"),
    advice: text("**What to do.**"),
  };
}

test("docs/ERRORS.md has a section for every code, in the order of the table, and for nothing else", () => {
  expect(sections.map(({ code }) => code)).toEqual(codes);
});

test("each section says when to retry, why it happens, and begins with the advice of the table", () => {
  for (const { code, retry, cause, advice } of sections) {
    const entry = ERROR_CODES[code as ErrorCode];
    expect(retry, code).toBe(entry.retry);
    expect(cause.length, `${code}: cause`).toBeGreaterThan(20);
    expect(advice.startsWith(entry.advice), `${code}: ${entry.advice}`).toBe(true);
  }
});

test("advice is a sentence of its own", () => {
  for (const code of codes) expect(ERROR_CODES[code].advice, code).toMatch(/^[A-Z].*\.$/);
});
