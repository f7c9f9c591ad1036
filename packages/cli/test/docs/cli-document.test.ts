import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { buildCliDocument } from "./cli-document.ts";

test("docs/CLI.md is what `pnpm run docs` makes of the parser now", async () => {
  const stored = readFileSync(new URL("../../../../docs/CLI.md", import.meta.url), "utf8");
  expect(stored).toBe(await buildCliDocument());
});
