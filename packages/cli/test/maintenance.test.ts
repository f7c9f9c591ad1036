import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tryLockFile } from "@kopia-engine/kopia-format";
import { expect, test } from "vitest";
import { createWorkplace, type RunResult, type Workplace } from "./run-kopia.ts";

const executable = process.env["KOPIA_EXE"] ?? "";
const MESSAGES = [
  "Compacting an eligible uncompacted epoch...",
  "Advancing epoch markers...",
  "Attempting to compact a range of epoch indexes ...",
  "Cleaning up unneeded epoch markers...",
  "Cleaning up old index blobs which have already been compacted...",
  "Cleaned up 0 logs.",
  "Finished full maintenance.",
];

async function withSource(version = 3): Promise<Workplace & { readonly source: string }> {
  const place = createWorkplace();
  const source = join(place.path, "source");
  mkdirSync(source);
  mkdirSync(join(place.path, "repo"));
  writeFileSync(join(source, "file"), "content");
  const identity = ["--override-username=user", "--override-hostname=host"];
  await place.ok(
    "repository",
    "create",
    "filesystem",
    `--path=${place.path}/repo`,
    `--format-version=${version}`,
    ...identity,
  );
  return Object.assign(place, { source });
}

function lines({ stderr }: RunResult): string[] {
  return stderr.split("\n").filter((line) => line !== "" && !/^(Snapshotting|Created)/.test(line));
}

test("a snapshot is followed by the maintenance that is due, and only by that", async () => {
  using place = await withSource();
  const first = await place.ok("snapshot", "create", place.source);
  // Lengths of listings and manifests depend on the times in them.
  const told = lines(first).map((line) => line.replace(/(in-use.*) \([^)]*\)/, "$1 (N)"));
  expect(told).toEqual([
    "Running full maintenance...",
    "GC found 0 unused contents (0 B)",
    "GC found 0 unused contents that are too recent to delete (0 B)",
    "GC found 2 in-use contents (N)",
    "GC found 2 in-use system-contents (N)",
    "GC undeleted 0 contents (0 B)",
    ...MESSAGES,
  ]);
  expect(lines(await place.ok("snapshot", "create", place.source))).toEqual([]);
});

test("automatic maintenance is switched off by its flag", async () => {
  using place = await withSource();
  const argv = ["snapshot", "create", place.source, "--no-auto-maintenance"];
  expect(lines(await place.ok(...argv))).toEqual([]);
  expect(lines(await place.ok("snapshot", "expire", "--all")).slice(1, 2)).toEqual([
    "Running full maintenance...",
  ]);
});

test("another owner is told, nobody as owner too, and the snapshot succeeds", async () => {
  using place = await withSource();
  await place.ok("maintenance", "set", "--owner=other@pod");
  expect(lines(await place.ok("snapshot", "create", place.source))).toEqual([
    "Maintenance is left to other@pod; this client is user@host.",
  ]);
  await place.ok("maintenance", "set", "--owner=");
  expect(lines(await place.ok("snapshot", "create", place.source))).toEqual([
    "Maintenance has no owner, so that nobody runs it: kopia maintenance set --owner=me makes it user@host.",
  ]);
  const run = await place.run(["maintenance", "run"]);
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toContain("maintenance must be run by designated user: \n");
});

test("a run that another process is at is left alone, with exit code 0", async () => {
  using place = await withSource();
  const unlock = tryLockFile(join(place.path, "repository.config.mlock"));
  expect(lines(await place.ok("snapshot", "create", place.source))).toEqual([]);
  expect(lines(await place.ok("maintenance", "run", "--full"))).toEqual([]);
  unlock?.();
  expect(lines(await place.ok("maintenance", "run", "--full"))[0]).toBe(
    "Running full maintenance...",
  );
});

test("what stops automatic maintenance makes the command fail after the snapshot is stored", async () => {
  using place = await withSource();
  writeFileSync(join(place.path, "repo", "kopia.maintenance.f"), "damaged");
  const { exitCode, stderr } = await place.run(["snapshot", "create", place.source]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("running auto-maintenance: error running maintenance: ");
  expect(stderr).toContain("Delete kopia.maintenance; the schedule starts again.");
  const { stdout } = await place.ok("snapshot", "list", "--json");
  expect(JSON.parse(stdout)).toHaveLength(1);
});

test("a dry run prints the plan as text and JSON, and writes nothing", async () => {
  using place = await withSource();
  await place.ok("snapshot", "create", place.source);
  const before = readdirSync(join(place.path, "repo"), { recursive: true }).length;
  const argv = ["maintenance", "run", "--full", "--safety=none", "--dry-run"];
  const { stdout, stderr } = await place.ok(...argv);
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^Plan of full maintenance, safety none. Nothing was changed.\n/);
  expect(stdout).toMatch(/\nfull-delete-blobs:\n {2}delete 2 packs .*\n.*\n {4}delete q[0-9a-f]+/);
  const plan = JSON.parse((await place.ok(...argv, "--json")).stdout) as {
    tasks: { task: string; runs: boolean; deletedBlobs: { id: string }[]; movedContents?: [] }[];
  };
  expect(plan.tasks.map(({ task }) => task)).toEqual([
    "snapshot-gc",
    "full-rewrite-contents",
    "full-drop-deleted-content",
    "full-delete-blobs",
    "compact-single-epoch",
    "advance-epoch",
    "generate-epoch-range-index",
    "cleanup-epoch-markers",
    "delete-superseded-epoch-indexes",
    "cleanup-logs",
  ]);
  expect(plan.tasks[1]?.movedContents).toHaveLength(3);
  expect(readdirSync(join(place.path, "repo"), { recursive: true })).toHaveLength(before);
  expect((await place.run(["maintenance", "run", "--json"])).exitCode).toBe(1);
});

test("breaker settings of the environment are read, bad ones refused", async () => {
  using place = await withSource();
  const run = (value: string): Promise<RunResult> =>
    place.run(["maintenance", "run"], { env: { KOPIA_ENGINE_MAINTENANCE_BREAKER: value } });
  expect((await run("percent=50")).exitCode).toBe(0);
  expect((await run("off")).exitCode).toBe(0);
  const { exitCode, stderr } = await run("everything");
  expect(exitCode).toBe(1);
  expect(stderr).toContain("is no breaker setting");
});

/** Both programs run the same command line, each on its own copy of one repository. */
const PARITY: readonly (readonly string[])[] = [
  ["maintenance", "info"],
  ["maintenance", "info", "--json"],
  ["maintenance", "set"],
  ["maintenance", "set", "--owner=me"],
  ["maintenance", "set", "--enable-quick=false"],
  ["maintenance", "set", "--enable-quick=foo"],
  ["maintenance", "set", "--enable-full", "false"],
  ["maintenance", "set", "--quick-interval=2h", "--full-interval=30h"],
  ["maintenance", "set", "--max-retained-log-count=5", "--max-retained-log-age=100h"],
  ["maintenance", "set", "--max-retained-log-size-mb=7", "--list-parallelism=3"],
  ["maintenance", "set", "--extend-object-locks=true"],
  ["maintenance", "set", "--extend-object-locks=false", "--list-parallelism=0"],
  ["maintenance", "info"],
  ["maintenance", "info", "--json"],
  ["maintenance", "run"],
  ["maintenance", "run", "--full"],
  ["maintenance", "run", "--full", "--safety=none"],
  ["maintenance", "run", "--safety=foo"],
  ["maintenance", "set", "--owner=somebody"],
  ["maintenance", "run"],
];

test.skipIf(executable === "").each([3, 1])(
  "commands say what the original says, format version %i (needs KOPIA_EXE)",
  { timeout: 240_000 },
  async (version) => {
    using place = await withSource(version);
    await place.ok("snapshot", "create", place.source, "--no-auto-maintenance");
    cpSync(join(place.path, "repo"), join(place.path, "theirs"), { recursive: true });
    const env = {
      HOME: place.path,
      TZ: "UTC",
      KOPIA_PASSWORD: "test-password",
      KOPIA_CONFIG_PATH: join(place.path, "theirs.config"),
      KOPIA_CACHE_DIRECTORY: join(place.path, "their-cache"),
      KOPIA_CHECK_FOR_UPDATES: "false",
    };
    const original = (argv: readonly string[]): RunResult => {
      const run = spawnSync(executable, argv, { encoding: "utf8", env });
      return { exitCode: run.status ?? 1, stdout: run.stdout, stderr: run.stderr };
    };
    const identity = ["--override-username=user", "--override-hostname=host"];
    original(["repository", "connect", "filesystem", `--path=${place.path}/theirs`, ...identity]);
    for (const argv of PARITY) {
      const ours = await place.run(argv);
      expect(comparable(ours), argv.join(" ")).toEqual(comparable(original(argv)));
    }
    // Both programs count the same in one repository.
    rmSync(join(place.path, "theirs"), { recursive: true });
    cpSync(join(place.path, "repo"), join(place.path, "theirs"), { recursive: true });
    const full = ["maintenance", "run", "--full", "--force"];
    const [ours, theirs] = [await place.run(full), original(full)].map((run) => lines(run));
    expect(ours?.filter((line) => line.startsWith("GC "))).toHaveLength(5);
    expect(ours).toEqual(theirs);
  },
);

/** Without times, advice of ours, and in the order of names, which the original shuffles. */
function comparable({ exitCode, stdout, stderr }: RunResult): unknown {
  const text = stdout
    .replaceAll(/\d{4}-\d\d-\d\d[T ][\d:.]+(Z| UTC| \+0000 UTC)/g, "TIME")
    .replaceAll(/\(in [^)]*\)/g, "(in D)");
  // The programs do not write the same number of logs.
  const told = stderr
    .replaceAll(/Cleaned up \d+ logs/g, "Cleaned up N logs")
    // Each has a repository of its own, and manifests are compressed by another deflate.
    .replaceAll(/(system-contents) \([^)]*\)/g, "$1 (N)");
  const messages = told.split("\n").filter((line) => !line.startsWith("  "));
  return { exitCode, stdout: text.split("\n").toSorted(), messages };
}
