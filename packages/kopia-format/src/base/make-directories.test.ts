import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeDirectories } from "./make-directories.ts";

let root: string;

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "make-directories-"));
});

afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

test("makes what is missing, and is content with what is there", () => {
  makeDirectories(join(root, "a", "b", "c"), 0o700);
  makeDirectories(join(root, "a", "b", "c"));
  expect(fs.statSync(join(root, "a")).mode & 0o777).toBe(0o700);
  fs.symlinkSync(join(root, "a"), join(root, "link"));
  makeDirectories(join(root, "link"));
});

test("a file in the way is an error", () => {
  fs.writeFileSync(join(root, "file"), "");
  expect(() => makeDirectories(join(root, "file"))).toThrow("EEXIST");
  expect(() => makeDirectories(join(root, "file", "below"))).toThrow("ENOTDIR");
});

test.skipIf(process.platform !== "linux")("below a removed directory it ends with an error", () => {
  const source = fileURLToPath(new URL("make-directories.ts", import.meta.url));
  const removed = join(root, "removed");
  fs.mkdirSync(removed);
  const script = `
    import { rmdirSync } from "node:fs";
    import { makeDirectories } from ${JSON.stringify(source)};
    process.chdir(${JSON.stringify(removed)});
    rmdirSync(${JSON.stringify(removed)});
    try { makeDirectories("/proc/self/cwd/logs/inner"); } catch (error) { console.log(error.code); }`;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 30_000,
  });
  expect(run.stdout.trim()).toBe("ENOENT");
});
