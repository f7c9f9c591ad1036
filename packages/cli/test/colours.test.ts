import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { IDENTITY, KOPIA, runReal } from "./real-kopia.ts";
import { createWorkplace, type RunResult, type Workplace } from "./run-kopia.ts";

/** A repository with a snapshot that lacks an entry, and the object ID of its root. */
async function withErrors(): Promise<Workplace & { readonly root: string }> {
  const place = createWorkplace();
  await place.ok("repository", "create", "filesystem", `--path=${place.path}/repo`, ...IDENTITY);
  const directory = join(place.path, "source", "inner");
  mkdirSync(directory, { recursive: true });
  mkdirSync(join(place.path, "source", "other"));
  spawnSync("mkfifo", [join(directory, "pipe")]);
  await place.ok("policy", "set", "source", "--ignore-unknown-types=false");
  expect((await place.run(["snapshot", "create", "source"])).exitCode).toBe(1);
  const { stdout } = await place.ok("snapshot", "list", "--json");
  const [snapshot] = JSON.parse(stdout) as { readonly rootEntry: { readonly obj: string } }[];
  return Object.assign(place, { root: snapshot?.rootEntry.obj ?? "" });
}

const RED = "\u001B[91m";
const RESET = "\u001B[0m";

test("what could not be stored is red where colours are, in lists and in the note below", async () => {
  using place = await withErrors();
  const listed = await place.ok("snapshot", "list", "--force-color");
  const [, row = ""] = listed.stdout.split(RED);
  expect(row).toMatch(/^ {2}\d.* errors:1 .*\n/);
  expect(row.endsWith(`)\n${RESET}`)).toBe(true);
  const { stdout, stderr } = await place.ok("ls", "--force-color", place.root);
  expect(stdout).toBe(`${RED}inner (1 errors)${RESET}\nother\n`);
  expect(stderr).toContain(`${RED}\nNOTE: Encountered 1 errors while snapshotting this directory`);
  expect(stderr).toContain(`${RESET}${RED}- Error in "inner/pipe": `);
  expect(stderr.endsWith(`\n${RESET}`)).toBe(true);
});

test("without a terminal there are none, and the note is there at every log level", async () => {
  using place = await withErrors();
  const { stdout, stderr } = await place.ok("ls", "-r", "--log-level=error", place.root);
  expect(stdout).toBe(`${place.root}/inner/ (1 errors)\n${place.root}/other/\n`);
  expect(stderr.match(/^NOTE: Encountered 1 errors/gm)).toHaveLength(2);
  const silent = await place.ok("ls", "--no-error-summary", place.root);
  expect(silent).toMatchObject({ stdout: "inner\nother\n", stderr: "" });
});

test.skipIf(KOPIA === "")(
  "colours are where the real program has them (needs KOPIA_EXE)",
  async () => {
    using place = await withErrors();
    const real = (argv: readonly string[]): RunResult => runReal(place, argv);
    real(["repository", "connect", "filesystem", `--path=${place.path}/repo`, ...IDENTITY]);
    for (const argv of [
      ["snapshot", "list"],
      ["ls", place.root],
      ["ls", "-lr", place.root],
    ]) {
      for (const flags of [["--force-color"], ["--force-color", "--disable-color"], []]) {
        const command = [...argv, "--timezone=utc", ...flags];
        const [ours, theirs] = [await place.run(command), real(command)].map(seen);
        expect(ours, command.join(" ")).toEqual(theirs);
      }
    }
  },
);

/** The real program resets colours where there were none, and lists entries in a changing order. */
function seen({ exitCode, stdout, stderr }: RunResult): unknown {
  const lines = stdout.replaceAll("\u001B[m", "").split("\n").toSorted();
  return {
    exitCode,
    lines: lines.map((line) => (line.startsWith(RESET) ? line.slice(RESET.length) : line)),
    stderr,
  };
}
