import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@kopia-engine/kopia-format";
import { FakeClock } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import { createWorkplace, type RunResult, type Workplace } from "./run-kopia.ts";

const KOPIA = process.env["KOPIA_EXE"] ?? "";
const GATE = { KOPIA_UPGRADE_LOCK_ENABLED: "1", KOPIA_REPO_UPGRADE_OWNER_ID: "me" };
const UNSAFE = [
  "--io-drain-timeout=1s",
  "--status-poll-interval=1s",
  "--max-permitted-clock-drift=1s",
  "--allow-unsafe-upgrade",
];

async function oldRepository(): Promise<Workplace> {
  const place = createWorkplace();
  await place.ok(
    "repository",
    "create",
    "filesystem",
    `--path=${place.path}/repo`,
    "--format-version=1",
  );
  await place.ok("snapshot", "create", import.meta.dirname);
  return place;
}

async function versionOf(place: Workplace): Promise<number> {
  const { stdout } = await place.run(["repository", "status", "--json"], { env: GATE });
  return (JSON.parse(stdout) as { contentFormat: { version: number } }).contentFormat.version;
}

test("upgrade commands need the gate and an owner", async () => {
  using place = await oldRepository();
  for (const name of ["begin", "rollback", "validate"]) {
    const refused = await place.run(["repository", "upgrade", name]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(
      'kopia: error: please set "KOPIA_UPGRADE_LOCK_ENABLED" env variable to use this feature, try --help',
    );
  }
  const env = { KOPIA_UPGRADE_LOCK_ENABLED: "1" };
  const begin = (...flags: string[]): Promise<RunResult> =>
    place.run(["repository", "upgrade", "begin", ...flags], { env });
  expect((await begin()).stderr).toContain(
    "error setting the upgrade lock intent: invalid upgrade lock intent: no owner-id set",
  );
  expect((await begin("--io-drain-timeout=1s")).stderr).toContain(
    "minimum required io-drain-timeout is 15m0s",
  );
  expect(await versionOf(place)).toBe(1);
  const flags = ["--upgrade-owner-id=flag", "repository", "upgrade"];
  expect((await place.run([...flags, "begin", "--lock-only"], { env })).exitCode).toBe(0);
  const refused = await place.run(["--upgrade-no-block", "snapshot", "list"]);
  expect(refused.stderr).toContain("is being upgraded by flag");
  expect((await place.run([...flags, "rollback", "--force"], { env })).exitCode).toBe(0);
  expect(await versionOf(place)).toBe(1);
});

test("lock, refusal of others, rollback, upgrade, validation: with Kopia's words", async () => {
  using place = await oldRepository();
  const clock = new FakeClock(systemClock.now());
  const run = (...argv: string[]): Promise<RunResult> =>
    place.run(["repository", "upgrade", ...argv], { env: GATE, clock });
  expect((await run("validate")).stderr).toContain(
    "error getting index set: epoch manager not enabled",
  );
  expect((await run("rollback", "--force")).stderr).toContain("no upgrade in progress");
  expect((await run("begin", "--lock-only")).stderr).toBe(
    "Repository upgrade lock intent has been placed.\n",
  );
  const other = await place.run(["snapshot", "list"], {
    env: { KOPIA_REPO_UPGRADE_NO_BLOCK: "1" },
  });
  expect(other.exitCode).toBe(1);
  expect(other.stderr).toContain(
    "open repository: unable to open repository: repository upgrade in progress",
  );
  expect(other.stderr).toContain("is being upgraded by me since");
  // Who may wait says so, and can be interrupted.
  const waiting = await place.run(["snapshot", "list"], { signal: AbortSignal.timeout(300) });
  expect(waiting.stderr).toContain(
    'is being upgraded by "me" (Upgrading from format version 1 -> 3)',
  );
  expect(waiting.exitCode).not.toBe(0);
  const unforced = await run("rollback");
  expect(unforced.exitCode).toBe(1);
  expect(unforced.stderr).toContain("please use the --force flag");
  expect((await run("rollback", "--force")).stderr).toBe(
    "Repository upgrade lock has been revoked.\n",
  );
  expect(await versionOf(place)).toBe(1);
  const begun = await run("begin", "--status-poll-interval=15m");
  expect(begun.stderr).toBe(
    [
      "Repository upgrade lock intent has been placed.",
      "Waiting for 35m0s to allow all other kopia clients to drain ...",
      "Waiting for 20m0s to allow all other kopia clients to drain ...",
      "Waiting for 5m0s to allow all other kopia clients to drain ...",
      "Waiting for 0s to allow all other kopia clients to drain ...",
      "Successfully drained all repository clients, the lock has been fully-established now.",
      "migrating current indices to epoch format",
      "Repository indices have been upgraded.",
      "index validation succeeded",
      "Repository has been successfully upgraded.",
      "",
    ].join("\n"),
  );
  expect(begun.exitCode).toBe(0);
  expect(await versionOf(place)).toBe(3);
  expect((await run("validate")).stderr).toBe("index validation succeeded\n");
  expect((await run("begin")).stderr).toBe("Repository format is already upto date.\n");
  await place.ok("snapshot", "create", import.meta.dirname);
  await place.ok("snapshot", "verify", "--verify-files-percent=100");
});

test("set-parameters --upgrade gives epochs without a lock", async () => {
  using place = await oldRepository();
  const upgraded = await place.ok(
    "repository",
    "set-parameters",
    "--upgrade",
    "--epoch-min-duration=25h",
  );
  expect(upgraded.stderr).toContain("migrating current indexes to epoch format\n");
  expect(upgraded.stderr).toContain("for 15 minutes");
  expect(upgraded.stderr).toContain("NOTE: Repository parameters updated");
  expect(await versionOf(place)).toBe(2);
  const { stdout } = await place.ok("repository", "status", "--json");
  expect(JSON.parse(stdout)).toMatchObject({
    contentFormat: { indexVersion: 2, epochParameters: { Enabled: true, MinEpochDuration: 90e12 } },
  });
  const again = await place.ok("repository", "set-parameters", "--upgrade");
  expect(again.stderr).toBe(
    "NOTE: Repository parameters updated, you must disconnect and re-connect all other Kopia clients.\n",
  );
  await place.ok("snapshot", "create", import.meta.dirname);
  await place.ok("snapshot", "verify", "--verify-files-percent=100");
});

/** The real program at the repository of a workplace, with a connection of its own. */
function realKopia(place: Workplace) {
  const run = (argv: readonly string[], env: Record<string, string> = {}) =>
    spawnSync(KOPIA, argv, {
      encoding: "utf8",
      timeout: 30_000,
      env: {
        HOME: place.path,
        KOPIA_PASSWORD: "test-password",
        KOPIA_CONFIG_PATH: join(place.path, "real.config"),
        KOPIA_CACHE_DIRECTORY: join(place.path, "real-cache"),
        KOPIA_LOG_DIR: join(place.path, "real-logs"),
        KOPIA_CHECK_FOR_UPDATES: "false",
        ...env,
      },
    });
  return {
    run,
    ok(...argv: string[]): string {
      const result = run(argv, GATE);
      expect(result.status, `${argv.join(" ")}: ${result.stderr}`).toBe(0);
      return result.stdout + result.stderr;
    },
  };
}

test.skipIf(KOPIA === "")(
  "each program works in a repository that the other one upgraded (needs KOPIA_EXE)",
  { timeout: 120_000 },
  async () => {
    for (const upgrader of ["real", "ours", "set-parameters"] as const) {
      using place = await oldRepository();
      const real = realKopia(place);
      real.ok("repository", "connect", "filesystem", `--path=${place.path}/repo`);
      real.ok("snapshot", "create", import.meta.dirname);
      const ours = (...argv: string[]) => place.run(argv, { env: GATE });
      if (upgrader === "real") real.ok("repository", "upgrade", "begin", ...UNSAFE);
      else if (upgrader === "ours") {
        const begun = await ours("repository", "upgrade", "begin", ...UNSAFE);
        expect(begun.exitCode, begun.stderr).toBe(0);
      } else await place.ok("repository", "set-parameters", "--upgrade");
      // The drain was too short for what the real program has cached.
      rmSync(join(place.path, "real-cache", "kopia.repository"), { force: true });
      expect(real.ok("repository", "upgrade", "validate")).toContain("index validation succeeded");
      expect((await ours("repository", "upgrade", "validate")).stderr).toContain(
        "index validation succeeded",
      );
      real.ok("snapshot", "create", import.meta.dirname);
      await place.ok("snapshot", "create", import.meta.dirname);
      real.ok("snapshot", "verify", "--verify-files-percent=100");
      real.ok("content", "verify", "--full");
      await place.ok("snapshot", "verify", "--verify-files-percent=100");
      await place.ok("content", "verify", "--full");
      const list = async () => JSON.parse((await place.ok("content", "list", "--json")).stdout);
      expect(await list()).toEqual(JSON.parse(real.run(["content", "list", "--json"]).stdout));
      real.ok("maintenance", "run", "--full", "--safety=none");
      await place.ok("snapshot", "verify", "--verify-files-percent=100");
    }
  },
);

test.skipIf(KOPIA === "")(
  "each program respects the lock of the other one, and its owner can roll it back with either (needs KOPIA_EXE)",
  { timeout: 120_000 },
  async () => {
    using place = await oldRepository();
    const real = realKopia(place);
    const noBlock = { KOPIA_REPO_UPGRADE_NO_BLOCK: "1" };
    const formatBlob = join(place.path, "repo", "kopia.repository.f");
    const copy = join(place.path, "before");
    cpSync(formatBlob, copy);
    real.ok("repository", "connect", "filesystem", `--path=${place.path}/repo`);
    for (const locker of ["real", "ours"] as const) {
      const lock = ["repository", "upgrade", "begin", "--lock-only"];
      if (locker === "real") real.ok(...lock);
      else expect((await place.run(lock, { env: GATE })).exitCode).toBe(0);
      expect(real.run(["snapshot", "list"], noBlock).stderr).toContain(
        "repository upgrade in progress",
      );
      const ours = await place.run(["snapshot", "list"], { env: noBlock });
      expect(ours.stderr).toContain("repository upgrade in progress");
      const foreign = await place.run(["repository", "upgrade", "rollback", "--force"], {
        env: { ...GATE, ...noBlock, KOPIA_REPO_UPGRADE_OWNER_ID: "you" },
      });
      expect(foreign.exitCode).toBe(1);
      real.ok("snapshot", "list");
      expect((await place.run(["snapshot", "list"], { env: GATE })).exitCode).toBe(0);
      const rollback = ["repository", "upgrade", "rollback", "--force"];
      if (locker === "ours") real.ok(...rollback);
      else expect((await place.run(rollback, { env: GATE })).exitCode).toBe(0);
      expect(spawnSync("cmp", [formatBlob, copy]).status).toBe(0);
      expect(existsSync(join(place.path, "repo", "kop"))).toBe(true);
      expect(findFiles(join(place.path, "repo"), "backup")).toEqual([]);
      real.ok("snapshot", "list");
      await place.ok("snapshot", "list");
    }
  },
);

function findFiles(directory: string, part: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.includes(part) && name.endsWith(".f"),
  );
}
