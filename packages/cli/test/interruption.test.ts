import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createWorkplace, type RunResult, type Workplace } from "./run-kopia.ts";

const LAUNCHER = fileURLToPath(new URL("../../../bin/kopia", import.meta.url));
const PROCESS_IO = new URL("../src/process-io.ts", import.meta.url).href;
const FILE_COUNT = 40;
const CREATE = ["repository", "create", "filesystem", "--no-auto-maintenance"];
/** Turns of the event loop after which a run is interrupted; the first is before it begins. */
const TURNS = [0, 3, 10, 30, 100];

/** A repository with two snapshots of `source`, the second with some other files. */
async function prepared(): Promise<Workplace> {
  const place = createWorkplace();
  await place.ok(...CREATE, `--path=${place.path}/repo`);
  mkdirSync(join(place.path, "source", "below"), { recursive: true });
  for (const version of ["one", "two"]) {
    for (let i = 0; i < FILE_COUNT; i++) {
      const name = i % 2 === 0 ? `file-${i}` : `below/file-${i}`;
      writeFileSync(join(place.path, "source", name), `${i % 3 === 0 ? version : ""} ${i}`);
    }
    await place.ok("snapshot", "create", "source", "--no-auto-maintenance");
  }
  return place;
}

/** Runs a command line that is interrupted after some turns of the event loop. */
async function interrupted(
  place: Workplace,
  argv: readonly string[],
  turns: number,
): Promise<RunResult> {
  const controller = new AbortController();
  let left = turns;
  const turn = (): void => {
    if (left-- > 0) setImmediate(turn);
    else controller.abort(new Error("interrupted by SIGTERM"));
  };
  turn();
  return place.run(argv, { signal: controller.signal });
}

/** It ended before the interruption, or it says what happened. */
function expectClearEnd({ exitCode, stderr }: RunResult): void {
  if (exitCode === 0) return;
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/interrupted by SIGTERM/);
}

const wholeTree = (path: string): readonly string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .sort();

async function expectWhole(place: Workplace, leastCount: number): Promise<void> {
  await place.ok("snapshot", "verify", "--verify-files-percent=100");
  const { stdout } = await place.ok("snapshot", "list", "--json");
  expect((JSON.parse(stdout) as readonly unknown[]).length).toBeGreaterThanOrEqual(leastCount);
}

describe("interrupted at any moment", () => {
  test("snapshot create keeps what is stored as incomplete, earlier snapshots are whole", async () => {
    using place = await prepared();
    for (const turns of TURNS) {
      const argv = ["snapshot", "create", "source", "--force-hash=100"];
      const { exitCode, stderr } = await interrupted(place, argv, turns);
      expect(exitCode).toBe(0);
      if (turns === 0) expect(stderr).toContain("Upload canceled");
    }
    await expectWhole(place, 2);
    await place.ok("snapshot", "create", "source");
  });

  test("restore says so, and a second run completes it", async () => {
    using place = await prepared();
    const { stdout } = await place.ok("snapshot", "list", "--json");
    const [{ id }] = JSON.parse(stdout) as [{ readonly id: string }];
    await place.ok("restore", id, "whole");
    for (const turns of TURNS) {
      const argv = ["restore", id, `target-${turns}`, "--parallel=1"];
      const run = await interrupted(place, argv, turns);
      expectClearEnd(run);
      if (turns === 0) expect(run.exitCode).toBe(1);
      await place.ok("restore", id, `target-${turns}`);
      expect(wholeTree(join(place.path, `target-${turns}`))).toEqual(
        wholeTree(join(place.path, "whole")),
      );
    }
  });

  test("verify says so", async () => {
    using place = await prepared();
    for (const turns of TURNS) {
      const argv = ["snapshot", "verify", "--verify-files-percent=100", "--parallel=1"];
      const run = await interrupted(place, argv, turns);
      expectClearEnd(run);
      if (turns === 0) expect(run.exitCode).toBe(1);
    }
  });

  test("sync-to says so, and a second run completes the copy", async () => {
    using place = await prepared();
    for (const turns of TURNS) {
      mkdirSync(join(place.path, "copy"));
      const argv = ["repository", "sync-to", "filesystem", `--path=${place.path}/copy`];
      const run = await interrupted(place, argv, turns);
      expectClearEnd(run);
      if (turns === 0) expect(run.exitCode).toBe(1);
      await place.ok(...argv);
      const config = `--config-file=${place.path}/copy.config`;
      await place.ok("repository", "connect", "filesystem", `--path=${place.path}/copy`, config);
      await place.ok("snapshot", "verify", "--verify-files-percent=100", config);
      rmSync(join(place.path, "copy"), { recursive: true });
    }
  });

  test("migrate says so, and a second run migrates the rest", async () => {
    using place = await prepared();
    const config = `--config-file=${place.path}/new.config`;
    await place.ok(...CREATE, `--path=${place.path}/new`, config);
    const argv = [
      "snapshot",
      "migrate",
      "--all",
      `--source-config=${place.path}/repository.config`,
      config,
    ];
    for (const turns of TURNS) {
      const run = await interrupted(place, argv, turns);
      expectClearEnd(run);
      if (turns === 0) expect(run.exitCode).toBe(1);
      await place.ok("snapshot", "verify", config);
    }
    await place.ok(...argv);
    const { stdout } = await place.ok("snapshot", "list", "--json", "--all", config);
    expect(JSON.parse(stdout)).toHaveLength(2);
    await place.ok("snapshot", "verify", "--verify-files-percent=100", config);
  });
});

test.each(["SIGINT", "SIGTERM"])("%s ends maintenance at once, with a message", (signal) => {
  const script = `
    const { processIo } = await import(${JSON.stringify(PROCESS_IO)});
    processIo().endOnInterrupt();
    setTimeout(() => {}, 60_000);
    process.kill(process.pid, "${signal}");
  `;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 30_000,
  });
  expect(run).toMatchObject({ status: 1, stdout: "", stderr: `interrupted by ${signal}\n` });
});

describe("output that nobody takes", () => {
  const shell = (place: Workplace, script: string) =>
    spawnSync("bash", ["-c", script, LAUNCHER], {
      encoding: "utf8",
      cwd: place.path,
      timeout: 60_000,
      env: {
        PATH: process.env["PATH"],
        HOME: place.path,
        KOPIA_PASSWORD: "test-password",
        KOPIA_CONFIG_PATH: join(place.path, "repository.config"),
      },
    });

  test("closed streams do no harm, a full one is told, a reader that left ends it quietly", async () => {
    using place = await prepared();
    const closed = shell(place, '"$0" snapshot create source >&- 2>&-; echo $?');
    expect(closed.stdout).toBe("0\n");
    await expectWhole(place, 3);
    const full = shell(place, '"$0" snapshot list --json >/dev/full; echo $?');
    expect(full.stdout).toBe("1\n");
    expect(full.stderr).toMatch(/^cannot write to standard output: .*ENOSPC/);
    const left = shell(place, '"$0" snapshot verify 2>&1 | true; echo ${PIPESTATUS[0]}');
    expect(left.stdout).toBe("141\n");
    expect(left.stderr).toBe("");
    await expectWhole(place, 3);
  });
});
