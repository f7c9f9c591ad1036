import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fixtureNames, loadFixture, readTree } from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import { createWorkplace, type RunResult, type Workplace } from "./run-kopia.ts";

const KOPIA = process.env["KOPIA_EXE"] ?? "";
const IDENTITY = ["--override-username=root", "--override-hostname=fixhost"];

/** Runs the real program with a connection of its own. */
function real(place: Workplace, argv: readonly string[], password = "test-password"): RunResult {
  const run = spawnSync(KOPIA, argv, {
    encoding: "utf8",
    cwd: place.path,
    input: "",
    env: {
      HOME: join(place.path, "real"),
      TZ: "UTC",
      KOPIA_PASSWORD: password,
      KOPIA_CONFIG_PATH: join(place.path, "real.config"),
      KOPIA_CHECK_FOR_UPDATES: "false",
    },
  });
  return { exitCode: run.status ?? -1, stdout: run.stdout, stderr: run.stderr };
}

/** What this program adds to the messages of the other is left out before they are compared. */
function comparable(result: RunResult): RunResult {
  const mask = (text: string): string =>
    text
      .split("\n")
      .filter((line) => !/^ {2}(cause|what to do): /.test(line))
      .join("\n")
      .replaceAll("real.config", "CONFIG")
      .replaceAll("repository.config", "CONFIG")
      .replaceAll(/Storage available: .*/g, "Storage available:")
      .replaceAll(/"available":\d+/g, '"available":0');
  return { ...result, stdout: mask(result.stdout), stderr: mask(result.stderr) };
}

const READ_ONLY: readonly (readonly string[])[] = [
  ["repository", "status"],
  ["repository", "status", "--json"],
  ["repository", "status", "-t", "-s"],
  ["snapshot", "list"],
  ["snapshot", "list", "-aildm", "--owner", "--mtime", "--storage-stats"],
  ["snapshot", "list", "--json", "--storage-stats", "-n2"],
  ["snapshot", "list", "--json", "--json-indent"],
  ["snapshot", "list", "--reverse", "--no-retention", "--no-human-readable"],
  ["snapshot", "list", "/data/docs"],
  ["snapshot", "list", "/data/nope"],
  ["snapshot", "list", "-n1", "--timezone=Asia/Kolkata"],
  ["snapshot", "list", "nobody@nowhere:/x"],
  ["policy", "list"],
  ["policy", "show", "--global"],
  ["policy", "show", "root@fixhost:/data"],
  ["policy", "show", "/data/docs", "--json"],
  ["policy", "show", "/data/src"],
  ["content", "list", "-l", "--deleted"],
  ["content", "list", "-c"],
  ["content", "list", "-sh", "--prefixed"],
  ["content", "stats", "--prefix=k"],
  ["content", "verify", "--full", "--progress-interval=1h"],
  ["blob", "stats"],
  ["blob", "stats", "-r", "--prefix=x"],
  ["index", "list", "--summary"],
  ["index", "epoch", "list"],
  ["manifest", "list"],
  ["manifest", "list", "--filter=type:snapshot", "--sort=path", "--json"],
  ["manifest", "show", "ffff"],
  ["show", "kffffffffffffffffffffffffffffffff"],
];

describe.skipIf(KOPIA === "")("beside the real program (needs KOPIA_EXE)", () => {
  const names = fixtureNames(
    /^fs-(v0231-(default|policies|incomplete-stdin-file|undelete|multi-source)|v098-default|mixed-versions)$/,
  );

  test.each(names)("every reading command prints the same over %s", async (name) => {
    const fixture = loadFixture(name);
    using repository = fixture.unpack();
    using place = createWorkplace({ KOPIA_PASSWORD: fixture.password });
    const connect = [
      "repository",
      "connect",
      "filesystem",
      `--path=${repository.path}`,
      "--readonly",
      ...IDENTITY,
    ];
    real(place, connect, fixture.password);
    await place.ok(...connect);
    for (const argv of READ_ONLY) {
      const theirs = comparable(real(place, argv, fixture.password));
      const ours = comparable(await place.run(argv));
      expect({ argv, ...withoutRaces(argv, ours) }).toEqual({
        argv,
        ...withoutRaces(argv, theirs),
      });
    }
  });

  test("each reads, verifies and restores what the other wrote", async () => {
    using place = createWorkplace();
    const source = join(place.path, "source");
    mkdirSync(join(source, "sub", "empty"), { recursive: true });
    writeFileSync(join(source, "a"), "alpha");
    writeFileSync(join(source, "sub", "b"), new Uint8Array(5 << 20).fill(7));
    symlinkSync("a", join(source, "link"));
    const repository = `--path=${place.path}/repo`;
    await place.ok("repository", "create", "filesystem", repository, ...IDENTITY);
    expect(
      real(place, ["repository", "connect", "filesystem", repository, ...IDENTITY]),
    ).toMatchObject({ exitCode: 0 });
    await place.ok("snapshot", "create", "source");
    writeFileSync(join(source, "c"), "gamma");
    const theirs = real(place, ["snapshot", "create", "source", "--json", "--no-auto-maintenance"]);
    expect(theirs.exitCode).toBe(0);
    await place.ok("snapshot", "create", "source");

    const list = await place.ok("snapshot", "list", "--json");
    expect(real(place, ["snapshot", "list", "--json"]).stdout).toBe(list.stdout);
    const roots = (JSON.parse(list.stdout) as { rootEntry: { obj: string } }[]).map(
      ({ rootEntry }) => rootEntry.obj,
    );
    // The same tree has the same root, whoever wrote it.
    expect(roots).toHaveLength(3);
    expect(roots[2]).toBe(roots[1]);
    const verify = ["snapshot", "verify", "--verify-files-percent=100"];
    expect(real(place, verify).exitCode).toBe(0);
    await place.ok(...verify);
    for (const [index, root] of roots.entries()) {
      await place.ok("restore", root, `ours${index}`);
      expect(real(place, ["restore", root, `theirs${index}`]).exitCode).toBe(0);
      expect(treeOf(place, `ours${index}`)).toEqual(treeOf(place, `theirs${index}`));
    }
  });

  test.each(policyChanges())("policy set %j stores and prints the same", async (...argv) => {
    using place = createWorkplace();
    const policies: string[] = [];
    const messages: unknown[] = [];
    for (const who of ["ours", "theirs"]) {
      const run = async (words: readonly string[]): Promise<RunResult> =>
        who === "ours" ? place.run(words) : real(place, words);
      await run(["repository", "create", "filesystem", `--path=${place.path}/${who}`, ...IDENTITY]);
      messages.push(comparable(await run(["policy", "set", ...argv])));
      policies.push(
        (await run(["policy", "list", "--json"])).stdout.replaceAll(/"id":"[0-9a-f]{32}"/g, ""),
      );
    }
    expect(messages[0]).toEqual(messages[1]);
    expect(policies[0]).toBe(policies[1]);
  });
});

function policyChanges(): readonly (readonly string[])[] {
  return [
    ["/a", "--keep-latest=3", "--keep-annual=inherit", "--ignore-identical-snapshots=true"],
    [
      "/a",
      "--add-ignore=b",
      "--add-ignore=a",
      "--add-dot-ignore=.x",
      "--max-file-size=100",
      "--one-file-system=true",
    ],
    [
      "--global",
      "--clear-dot-ignore",
      "--compression=zstd",
      "--compression-min-size=10",
      "--add-never-compress=.jpg",
    ],
    [
      "u@h",
      "--snapshot-interval=90m",
      "--snapshot-time=3:00,15:30",
      "--snapshot-time-crontab=*/5 * * * *;0 1 * * *",
    ],
    ["/a", "--manual", "--inherit=false", "--parallel-upload-above-size-mib=10"],
    [
      "/a",
      '--before-folder-action=/bin/echo a "b c"',
      "--action-command-mode=async",
      "--log-dir-snapshotted=3",
    ],
    ["/a", "--max-parallel-snapshots=3"],
    ["/a", "--snapshot-time=25:00"],
    ["/a", "--keep-latest=many"],
    ["u@h:/a/", "--keep-latest=3"],
    ["/a"],
  ];
}

/** Orders that the other program does not keep from run to run. */
function withoutRaces(argv: readonly string[], result: RunResult): RunResult {
  const drop = argv[1] === "verify" ? /^( {2}Verified|Listed) .*\n/gm : /(?!)/g;
  return { ...result, stderr: result.stderr.replaceAll(drop, "") };
}

/** A restored tree; times of links are left out, since the other program rounds them up (spec 2 §10.4). */
function treeOf(place: Workplace, name: string): unknown {
  return readTree(join(place.path, name)).map((row) =>
    row[1] === "l" ? row.filter((_, column) => column !== 4) : row,
  );
}
