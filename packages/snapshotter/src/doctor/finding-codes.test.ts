import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FINDING_CODES } from "./finding-codes.ts";

const SECTION = "## What the doctor finds\n";

test("every finding has a section in docs/MAINTENANCE.md, and every section a finding", () => {
  const document = readFileSync(
    new URL("../../../../docs/MAINTENANCE.md", import.meta.url),
    "utf8",
  );
  const [, after] = document.split(SECTION);
  expect(after).toBeDefined();
  const section = (after ?? "").split(/^## /m)[0] ?? "";
  const documented = [...section.matchAll(/^### `([^`]+)`$/gm)].map(([, code]) => code);
  expect(new Set(documented)).toEqual(new Set(Object.keys(FINDING_CODES)));
  expect(documented).toHaveLength(Object.keys(FINDING_CODES).length);
});

test("findings say what they are and what to do", () => {
  for (const [code, { title, nextSteps }] of Object.entries(FINDING_CODES)) {
    expect(code).toMatch(/^[a-z-]+$/);
    expect(title.length, code).toBeGreaterThan(10);
    expect(nextSteps.length, code).toBeGreaterThan(0);
  }
});
