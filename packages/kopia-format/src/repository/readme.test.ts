import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const packageDirectory = fileURLToPath(new URL("../..", import.meta.url));

test("the example of the README runs as it stands", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const directory = mkdtempSync(join(tmpdir(), "readme-"));
  const result = spawnSync(
    process.execPath,
    ["--input-type=module-typescript", "--eval", example],
    { cwd: packageDirectory, encoding: "utf8", env: { ...process.env, TMPDIR: directory } },
  );
  rmSync(directory, { recursive: true });
  expect(result.stderr).toBe("");
  expect(result.stdout).toBe("hello, repository\n");
});
