import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const EXAMPLE = fileURLToPath(new URL("../examples/backup.ts", import.meta.url));
const README = fileURLToPath(new URL("../../../README.md", import.meta.url));

test("the README shows the example as it is, and it is short", () => {
  const example = readFileSync(EXAMPLE, "utf8");
  expect(readFileSync(README, "utf8")).toContain(`\`\`\`ts\n${example}\`\`\``);
  expect(example.trim().split("\n").length).toBeLessThanOrEqual(20);
});

test("the example backs up, lists and restores a folder", () => {
  const root = mkdtempSync(join(tmpdir(), "example-"));
  try {
    const folder = join(root, "folder");
    mkdirSync(folder);
    writeFileSync(join(folder, "letter.txt"), "dear reader");
    const args = [join(root, "repository"), folder, join(root, "restored")];
    const printed = execFileSync(process.execPath, [EXAMPLE, ...args], { encoding: "utf8" });
    expect(printed).toMatch(/^[0-9a-f]{32} \d{4}-\d\d-\d\dT/);
    expect(readFileSync(join(root, "restored", "letter.txt"), "utf8")).toBe("dear reader");
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
