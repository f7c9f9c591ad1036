import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HAS_TERMINAL, runOnTerminal } from "./pseudo-terminal.ts";
import { IDENTITY, KOPIA } from "./real-kopia.ts";
import { createWorkplace, type Workplace } from "./run-kopia.ts";

async function withSources(): Promise<Workplace> {
  const place = createWorkplace();
  await place.ok("repository", "create", "filesystem", `--path=${place.path}/repo`, ...IDENTITY);
  for (const name of ["one", "two"]) {
    mkdirSync(join(place.path, name));
    writeFileSync(join(place.path, name, "file"), `content of ${name}`.repeat(1000));
  }
  return place;
}

/** What a person sees: a line for each state of a line. */
function seen(place: Workplace, argv: readonly string[], program?: string): readonly string[] {
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: place.path,
    TERM: "xterm",
    TZ: "UTC",
    XDG_CACHE_HOME: join(place.path, program === undefined ? "cache" : "their-cache"),
    KOPIA_CONFIG_PATH: join(
      place.path,
      program === undefined ? "repository.config" : "real.config",
    ),
    KOPIA_PASSWORD: "test-password",
    KOPIA_CHECK_FOR_UPDATES: "false",
  };
  const run = runOnTerminal({
    argv,
    answers: [],
    cwd: place.path,
    env,
    ...(program === undefined ? {} : { program }),
  });
  expect(run.exitCode, run.shown).toBe(0);
  return run.shown
    .split(/\r\n|\r/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
}

/** Without what differs from run to run. */
function shapes(lines: readonly string[]): readonly string[] {
  const shaped = lines.map((line) =>
    line
      .replaceAll(/[0-9a-f]{32}/g, "ID")
      .replace(/^ [|/\\-] .*/, "WORKING")
      .replace(/in \d+m?s$/, "in D")
      // Lengths as stored depend on times and compression.
      .replace(/uploaded [^,]*/, "uploaded N"),
  );
  return shaped.filter((line, index) => line !== "WORKING" || shaped[index - 1] !== "WORKING");
}

const CREATE = ["snapshot", "create", "one", "two", "--no-auto-maintenance"];

test.skipIf(!HAS_TERMINAL)(
  "on a terminal uploads and restores tell where they are, each source for itself (needs python3)",
  async () => {
    using place = await withSources();
    const lines = seen(place, CREATE);
    const state = "0 hashing, 1 hashed (14 KB), 0 cached (0 B), uploaded N, estimating...";
    const source = (name: string) => [
      `Snapshotting root@fixhost:${place.path}/${name} ...`,
      "WORKING",
      ` * ${state}`,
      "Created snapshot with root kID and ID ID in D",
    ];
    expect(shapes(lines)).toEqual([...source("one"), ...source("two")]);
    const list = await place.ok("snapshot", "list", "--json");
    const [{ id = "" } = {}] = JSON.parse(list.stdout) as { readonly id?: string }[];
    const restored = seen(place, ["restore", id, "target"]);
    expect(restored).toContain("Processed 2 (14 KB) of 2 (14 KB).");
    expect(seen(place, [...CREATE, "--no-progress"]).join("\n")).not.toContain("hash");
  },
);

test("without a terminal there is progress only where it is asked for", async () => {
  using place = await withSources();
  const quiet = await place.ok(...CREATE);
  expect(quiet.stderr).not.toContain("hashed");
  const { stderr } = await place.ok(...CREATE, "--progress", "--progress-update-interval=0s");
  expect(stderr).toMatch(
    /\r \| 0 hashing, 0 hashed \(0 B\), 1 cached \(14 KB\), uploaded 0 B, est/,
  );
  expect(stderr).toMatch(/\r \* 0 hashing, .*estimating\.\.\. *\nCreated snapshot/);
  for (const type of ["classic", "rough", "adaptive"])
    await place.ok(...CREATE, "--progress", `--progress-estimation-type=${type}`);
  expect((await place.run([...CREATE, "--progress-estimation-type=x"])).exitCode).toBe(1);
});

test.skipIf(!HAS_TERMINAL || KOPIA === "")(
  "progress looks as the real program's (needs KOPIA_EXE and python3)",
  async () => {
    using place = await withSources();
    const path = `--path=${place.path}/real`;
    mkdirSync(join(place.path, "real"));
    seen(place, ["repository", "create", "filesystem", path, ...IDENTITY], KOPIA);
    for (const [index, argv] of [CREATE, CREATE, [...CREATE, "--json"]].entries()) {
      const [ours, theirs] = [seen(place, argv), seen(place, argv, KOPIA)].map((lines) =>
        shapes(lines.filter((line) => !line.startsWith("{"))),
      );
      expect(ours, `run ${index}`).toEqual(theirs);
    }
  },
);
