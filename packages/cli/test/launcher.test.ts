import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { VERSION } from "@kopia-engine/cli";
import { expect, test } from "vitest";

const LAUNCHER = fileURLToPath(new URL("../../../bin/kopia", import.meta.url));

test("the launcher prints the version of the package, and nothing else", () => {
  const run = spawnSync(LAUNCHER, ["--version"], { encoding: "utf8" });
  expect(run).toMatchObject({ status: 0, stderr: "" });
  expect(run.stdout).toBe(`${VERSION} build: kopia-engine from: kopia-engine\n`);
  const manifest = new URL("../package.json", import.meta.url);
  expect(JSON.parse(readFileSync(manifest, "utf8"))).toMatchObject({ version: VERSION });
});

test("it works through links, from anywhere", () => {
  const directory = mkdtempSync(join(tmpdir(), "kopia-launcher-"));
  try {
    symlinkSync(LAUNCHER, join(directory, "first"));
    symlinkSync("first", join(directory, "second"));
    const options = { cwd: directory, encoding: "utf8" } as const;
    expect(execFileSync(join(directory, "second"), ["--version"], options)).toContain(VERSION);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("exit codes are 0 and 1, errors go to stderr", () => {
  const bad = spawnSync(LAUNCHER, ["nonsense"], { encoding: "utf8" });
  expect(bad).toMatchObject({
    status: 1,
    stdout: "",
    stderr: 'kopia: error: expected command but got "nonsense", try --help\n',
  });
  expect(spawnSync(LAUNCHER, ["--help"], { encoding: "utf8" })).toMatchObject({
    status: 0,
    stderr: "",
  });
});

test("a reader that goes away ends it quietly", () => {
  const run = spawnSync("sh", ["-c", '"$0" --help-full | head -1', LAUNCHER], { encoding: "utf8" });
  expect(run.stdout).toContain("usage: kopia");
  expect(run.stderr).toBe("");
});

test("asking for the version does not load the engine", () => {
  const trace = spawnSync(LAUNCHER, ["--version"], {
    encoding: "utf8",
    env: { ...process.env, NODE_DEBUG: "esm" },
  });
  expect(trace.stderr).toContain("packages/cli/src/run-cli.ts");
  expect(trace.stderr).not.toContain("packages/kopia-format");
  expect(trace.stderr).not.toContain("packages/snapshotter");
});
