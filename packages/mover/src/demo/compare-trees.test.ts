import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compareTrees } from "./compare-trees.ts";

let root: string;
let source: string;
let restored: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "compare-"));
  source = join(root, "source");
  restored = join(root, "restored");
  mkdirSync(join(source, "sub"), { recursive: true });
  writeFileSync(join(source, "sub", "file"), "hello");
  utimesSync(join(source, "sub", "file"), 1_700_000_000, 1_700_000_000);
  utimesSync(join(source, "sub"), 1_600_000_000, 1_600_000_000);
  utimesSync(source, 1_650_000_000, 1_650_000_000);
  cpSync(source, restored, { recursive: true, preserveTimestamps: true });
  utimesSync(join(restored, "sub"), 1_700_000_000, 1_700_000_000);
  utimesSync(restored, 1_650_000_000, 1_650_000_000);
});

afterEach(() => rmSync(root, { recursive: true }));

test("a faithful restore has no difference", () => {
  expect(compareTrees(source, restored)).toEqual({
    fileCount: 1,
    directoryCount: 2,
    linkCount: 0,
    totalBytes: 5,
    differences: [],
  });
});

test.each([
  ["other bytes", () => writeFileSync(join(restored, "sub", "file"), "hellO")],
  ["mode", () => chmodSync(join(restored, "sub", "file"), 0o600)],
  ["time", () => utimesSync(join(restored, "sub", "file"), 1, 1)],
  ["was not restored", () => rmSync(join(restored, "sub", "file"))],
  ["is not in the source", () => writeFileSync(join(restored, "extra"), "")],
  [
    "was a file",
    () => {
      rmSync(join(restored, "sub", "file"));
      symlinkSync("x", join(restored, "sub", "file"));
    },
  ],
])("a difference is told: %s", (words, damage) => {
  damage();
  expect(compareTrees(source, restored).differences.join("\n")).toContain(words);
});
