import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const OURS = fileURLToPath(new URL("../../../bin/kopia", import.meta.url));
const REAL = process.env["KOPIA_EXE"];
const TIME = new Date("2020-01-01T00:00:00Z");

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "diff-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

function kopia(args: readonly string[], program = OURS): Ran {
  const directory = join(root, program === OURS ? "ours" : "real");
  mkdirSync(directory, { recursive: true });
  const run = spawnSync(program, ["--timezone=utc", "--no-auto-maintenance", ...args], {
    cwd: root,
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      HOME: directory,
      KOPIA_PASSWORD: "diff",
      KOPIA_CONFIG_PATH: join(directory, "config"),
      KOPIA_CACHE_DIRECTORY: join(directory, "cache"),
      KOPIA_LOG_DIR: join(directory, "logs"),
      KOPIA_CHECK_FOR_UPDATES: "false",
    },
  });
  return { stdout: run.stdout, stderr: run.stderr, exitCode: run.status };
}

interface Listed {
  readonly id: string;
  readonly startTime: string;
  readonly source: { readonly userName: string; readonly host: string; readonly path: string };
  readonly rootEntry: { readonly obj: string };
}

const list = (): Listed[] =>
  JSON.parse(kopia(["snapshot", "list", "--all", "--json"]).stdout) as Listed[];

function write(path: string, text: string): void {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text);
  utimesSync(join(root, path), TIME, TIME);
}

/** Two states of one tree, as two snapshots. */
function snapshotTwice(): [string, string] {
  write("a/same", "same");
  write("a/changed", "old");
  write("a/mode", "mode");
  write("a/gone/inner", "inner");
  write("a/turns", "file");
  symlinkSync("same", join(root, "a/link"));
  expect(kopia(["repository", "create", "filesystem", `--path=${root}/repository`]).exitCode).toBe(
    0,
  );
  expect(kopia(["snapshot", "create", "a"]).exitCode).toBe(0);
  write("a/changed", "longer");
  chmodSync(join(root, "a/mode"), 0o600);
  rmSync(join(root, "a/gone"), { recursive: true });
  rmSync(join(root, "a/turns"));
  mkdirSync(join(root, "a/turns"));
  write("a/new/file", "new");
  expect(kopia(["snapshot", "create", "a"]).exitCode).toBe(0);
  const [first, second] = list().map(({ rootEntry }) => rootEntry.obj);
  return [first ?? "", second ?? ""];
}

const sorted = (text: string): string[] => text.split("\n").toSorted((a, b) => (a < b ? -1 : 1));

test("diff tells what differs and counts it; the real program says the same", () => {
  const pair = snapshotTwice();
  const { stdout, exitCode } = kopia(["diff", ...pair]);
  expect(exitCode).toBe(0);
  for (const line of [
    "added directory ./new",
    "added file ./new/file (3 bytes)",
    "removed directory ./gone",
    "removed file ./gone/inner (5 bytes)",
    "./changed sizes differ: 3 6",
    "changed ./changed at 2020-01-01 00:00:00 +0000 UTC (size 3 -> 6)",
    "changed ./turns from non-directory to a directory",
  ])
    expect(stdout.split("\n")).toContain(line);
  const counts = JSON.parse(stdout.split("\n").at(-1) ?? "") as Record<
    string,
    Record<string, number>
  >;
  expect(counts["fileEntries"]).toMatchObject({ added: 1, removed: 1, modified: 3 });
  expect(counts["fileEntries"]?.["sameContentButDifferentMode"]).toBe(1);
  expect(kopia(["diff", "--stats-only", ...pair]).stdout).toBe(stdout.split("\n").at(-1));
  if (REAL === undefined) return;
  kopia(["repository", "connect", "filesystem", `--path=${root}/repository`], REAL);
  // The real program's order of entries changes from run to run.
  expect(sorted(stdout)).toEqual(sorted(kopia(["diff", ...pair], REAL).stdout));
});

test("--files runs a command on both versions", () => {
  const pair = snapshotTwice();
  const { stdout, exitCode } = kopia(["diff", "-f", "--diff-command=diff -u", ...pair]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("-old\n");
  expect(stdout).toContain("+longer\n");
  expect(stdout).toContain("--- /dev/null");
});

test("a directory is not compared with a file", () => {
  const [first, second] = snapshotTwice();
  const { exitCode, stderr } = kopia(["diff", `${first}/same`, second]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("arguments to diff must both be directories or both non-directories");
});

test("histories are copied and moved; what is there already is not doubled", () => {
  snapshotTwice();
  const source = list()[0]?.source;
  const path = source?.path ?? "";
  const dry = kopia(["snapshot", "move-history", "-n", path, "other@host"]);
  expect(dry.stderr).toMatch(/^moving \(dry run\) .* => other@host:/m);
  expect(list()).toHaveLength(2);
  expect(kopia(["snapshot", "copy-history", path, "other@host"]).exitCode).toBe(0);
  expect(list()).toHaveLength(4);
  expect(kopia(["snapshot", "copy-history", path, "other@host"]).stderr).toContain(
    "already exists",
  );
  expect(list()).toHaveLength(4);
  expect(kopia(["snapshot", "move-history", path, "other@host"]).exitCode).toBe(0);
  expect(list().map((entry) => entry.source.userName)).toEqual(["other", "other"]);
  // Onto itself: nothing happens, above all nothing is lost.
  expect(kopia(["snapshot", "move-history", "other@host", "other@host"]).exitCode).toBe(0);
  expect(list()).toHaveLength(2);
  const refused = kopia(["snapshot", "copy-history", "@host", "somebody@host"]);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain("needs a user in the source");
  expect(kopia(["snapshot", "verify"]).exitCode).toBe(0);
});

test("estimate counts what a snapshot would hold and leave out", () => {
  write("a/x/small", "1\n");
  write("a/5k", "x".repeat(5000));
  write("a/large", "x".repeat(3_000_000));
  write("a/skip1", "x".repeat(2000));
  write("a/out/inner", "x");
  expect(kopia(["repository", "create", "filesystem", `--path=${root}/repository`]).exitCode).toBe(
    0,
  );
  expect(kopia(["policy", "set", "a", "--add-ignore=skip*", "--add-ignore=/out"]).exitCode).toBe(0);
  const args = ["snapshot", "estimate", "-q", "a", "--show-files"];
  const { stdout, exitCode } = kopia(args);
  expect(exitCode).toBe(0);
  expect(stdout).toBe(`Snapshot includes 3 file(s), total size 3 MB
   1 MB  ... 10 MB:       1 files, total size 3 MB
 - large - 3 MB
   1 KB  ... 10 KB:       1 files, total size 5 KB
 - 5k - 5 KB
   0 B   ...  1 KB:       1 files, total size 2 B
 - x/small - 2 B

Snapshot excludes 1 file(s), total size 2 KB
   1 KB  ... 10 KB:       1 files, total size 2 KB
 - skip1 - 2 KB
Snapshot excludes 1 directories. Examples:
 - out

Estimated upload time: 2s at 10 Mbit/s
`);
  expect(kopia(["snapshot", "estimate", "a/5k"]).stderr).toContain("must be a directory");
  if (REAL === undefined) return;
  kopia(["repository", "connect", "filesystem", `--path=${root}/repository`], REAL);
  expect(kopia(args, REAL).stdout).toBe(stdout);
});
