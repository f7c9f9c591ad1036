import { randomBytes } from "node:crypto";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statfsSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { JOB_UID, type JobRun, jobSuite } from "./job-container.ts";
import { keptOfRestore, parseKept } from "./operator-log.ts";
import { JUDGES, kopia, snapshotsOf } from "./repository-view.ts";

const MIB = 2 ** 20;
const suite = jobSuite(({ data }) => writeFileSync(join(data, "file.txt"), "precious"));
const { check, checkMore } = suite;
const backUp = (env: Record<string, string> = {}): Promise<JobRun> =>
  suite.bench.run({ args: ["backup"], env });

function addRandom(name: string, sizeBytes: number): void {
  writeFileSync(join(suite.bench.data, name), randomBytes(sizeBytes));
}

/** A disk that takes nothing any more, whoever writes. */
function fill(directory: string): string {
  const path = join(directory, "filler");
  const { bavail, bsize } = statfsSync(directory);
  writeFileSync(path, Buffer.alloc(bavail * bsize));
  chownSync(path, JOB_UID, JOB_UID);
  return path;
}

function expectFailure(run: JobRun, cause: RegExp): void {
  expect(run.exitCode, run.output).toBe(1);
  expect(run.lastKilobyte).toMatch(cause);
  expect(run.lastKilobyte).toContain("OPERATION_RESULT: FAILURE");
  expect(run.lastKilobyte).toContain("EXIT_CODE: 1");
  expect(run.output).not.toContain("conformance-password");
}

/** The next run works, and everybody reads every file of everything that is stored. */
async function expectWorksAgain(snapshotCount: number): Promise<void> {
  const next = await backUp();
  expect(next.exitCode, next.output).toBe(0);
  expect(snapshotsOf(suite.bench)).toHaveLength(snapshotCount);
  for (const judge of JUDGES)
    kopia(suite.bench, ["snapshot", "verify", "--verify-files-percent=100"], judge);
}

describe("the repository's disk", () => {
  check(
    "full in mid-backup: exit 1 with the cause, restores still work, then all is well",
    async () => {
      await suite.bench.putOnDisk("volume", 24 * MIB);
      expect((await backUp()).exitCode).toBe(0);
      addRandom("large", 40 * MIB);
      expectFailure(await backUp(), /no space|ENOSPC|full/i);
      fill(suite.bench.volume);
      const restore = await suite.bench.run({ args: ["restore"] });
      expect(restore.exitCode, restore.output).toBe(0);
      expect(readFileSync(join(suite.bench.restored, "file.txt"), "utf8")).toBe("precious");
      const upkeep = await suite.bench.run({ env: { DIRECTION: "maintenance" } });
      expectFailure(upkeep, /no space|ENOSPC|full/i);
      rmSync(join(suite.bench.volume, "filler"));
      suite.bench.resizeDisk("volume", 128 * MIB);
      await expectWorksAgain(2);
    },
  );

  checkMore("full from the start: nothing but the cause, and nothing half-made stays", async () => {
    await suite.bench.putOnDisk("volume", MIB);
    const filler = fill(suite.bench.volume);
    expectFailure(await backUp(), /no space|ENOSPC|full/i);
    rmSync(filler);
    suite.bench.resizeDisk("volume", 64 * MIB);
    await expectWorksAgain(1);
  });

  checkMore("read-only: backup and maintenance fail with the cause, a restore works", async () => {
    expect((await backUp()).exitCode).toBe(0);
    const readOnly = ["/repository"];
    addRandom("more", MIB);
    expectFailure(await suite.bench.run({ args: ["backup"], readOnly }), /read-only|EROFS/i);
    expectFailure(
      await suite.bench.run({ env: { DIRECTION: "maintenance" }, readOnly }),
      /read-only|EROFS/i,
    );
    expect((await suite.bench.run({ args: ["restore"], readOnly })).exitCode).toBe(0);
    await expectWorksAgain(2);
  });
});

describe("a restore that fails", () => {
  check("the operator keeps the cause, and parses which identities exist", async () => {
    expect((await backUp()).exitCode).toBe(0);
    expect((await backUp({ KOPIA_OVERRIDE_USERNAME: "other-src" })).exitCode).toBe(0);
    const run = await suite.bench.run({
      args: ["restore"],
      env: { KOPIA_DISCOVER_SNAPSHOTS: "true" },
      readOnly: ["/restore/data"],
    });
    expect(run.exitCode, run.output).toBe(1);
    const kept = keptOfRestore(run.output);
    expect(kept).toContain("Failed to restore snapshot");
    expect(kept).toMatch(/read-only|EROFS/i);
    expect(parseKept(kept).available).toEqual({ "atuin-src@default": 1, "other-src@default": 1 });
    expect((await suite.bench.run({ args: ["restore"] })).exitCode).toBe(0);
  });
});

describe("a mount that vanishes", () => {
  /** Holds the run at a known place until the mount is gone: the directory beneath has this file. */
  const waiting = (point: string) => ({
    KOPIA_BEFORE_SNAPSHOT: `echo waiting; until [ -e ${point}/beneath ]; do sleep 0.05; done`,
  });

  async function losing(point: "/repository" | "/cache", beneath: string): Promise<JobRun> {
    const run = await suite.bench.run({
      args: ["backup"],
      env: waiting(point),
      beneath: { [point]: beneath },
      vanishAt: { output: /^ {2}waiting/m, point },
    });
    return run;
  }

  function directoryBeneath(): string {
    const path = join(suite.bench.root, "beneath");
    mkdirSync(path);
    writeFileSync(join(path, "beneath"), "");
    chownSync(path, JOB_UID, JOB_UID);
    return path;
  }

  checkMore("the repository, before the upload: nothing is written in its place", async () => {
    expect((await backUp()).exitCode).toBe(0);
    addRandom("large", 30 * MIB);
    const beneath = directoryBeneath();
    expectFailure(await losing("/repository", beneath), /repository/);
    expect(readdirSync(beneath, { recursive: true })).toEqual(["beneath"]);
    await expectWorksAgain(2);
  });

  check("the repository, in the middle of the upload", async () => {
    expect((await backUp()).exitCode).toBe(0);
    addRandom("a-large", 30 * MIB);
    // Zeros: seconds of work, nothing to store.
    writeFileSync(join(suite.bench.data, "b-sparse"), "");
    truncateSync(join(suite.bench.data, "b-sparse"), 600 * MIB);
    const beneath = directoryBeneath();
    const run = await suite.bench.run({
      args: ["backup"],
      beneath: { "/repository": beneath },
      vanishAt: { output: /Snapshotting/, point: "/repository" },
    });
    expectFailure(run, /repository/);
    expect(readdirSync(beneath, { recursive: true })).toEqual(["beneath"]);
    truncateSync(join(suite.bench.data, "b-sparse"), 0);
    await expectWorksAgain(2);
  });

  checkMore("the cache: the backup succeeds without it", async () => {
    expect((await backUp()).exitCode).toBe(0);
    addRandom("large", 5 * MIB);
    const run = await losing("/cache", directoryBeneath());
    expect(run.exitCode, run.output).toBe(0);
    await expectWorksAgain(3);
  });
});

describe("the cache's disk", () => {
  check("full: backup, restore and maintenance succeed, and say so", async () => {
    await suite.bench.putOnDisk("cache", MIB);
    expect((await backUp()).exitCode).toBe(0);
    fill(suite.bench.cache);
    addRandom("more", 3 * MIB);
    const run = await backUp();
    expect(run.exitCode, run.output).toBe(0);
    const restore = await suite.bench.run({ args: ["restore"] });
    expect(restore.exitCode, restore.output).toBe(0);
    expect(existsSync(join(suite.bench.restored, "more"))).toBe(true);
    const upkeep = await suite.bench.run({ env: { DIRECTION: "maintenance" } });
    expect(upkeep.exitCode, upkeep.output).toBe(0);
    await expectWorksAgain(3);
  });

  checkMore("full before the first run, without even a folder for logs", async () => {
    await suite.bench.putOnDisk("cache", MIB);
    fill(suite.bench.cache);
    const run = await backUp();
    expect(run.exitCode, run.output).toBe(0);
    await expectWorksAgain(2);
  });

  checkMore(
    "too small for what would be cached: filled in mid-run, all the same exit 0",
    async () => {
      await suite.bench.putOnDisk("cache", 96 * 1024);
      for (let index = 0; index < 400; index++)
        addRandom(`${"long-name-".repeat(10)}${index}`, 100);
      for (let round = 0; round < 3; round++) {
        addRandom("round", 1000);
        const run = await backUp();
        expect(run.exitCode, run.output).toBe(0);
      }
      await expectWorksAgain(4);
    },
  );

  checkMore("read-only: refused by name", async () => {
    const run = await suite.bench.run({ args: ["backup"], readOnly: ["/cache"] });
    expectFailure(run, /Cache directory \/cache is not writable/);
    await expectWorksAgain(1);
  });
});

describe("a damaged cache", () => {
  /** Every file of the cache but the connection, one way after the other. */
  const damages: Readonly<Record<string, (path: string) => void>> = {
    truncated: (path) => truncateSync(path, 3),
    emptied: (path) => truncateSync(path, 0),
    overwritten: (path) => writeFileSync(path, randomBytes(500)),
    "made a directory": (path) => {
      rmSync(path);
      mkdirSync(path);
      chownSync(path, JOB_UID, JOB_UID);
    },
    "made a dangling link": (path) => {
      rmSync(path);
      symlinkSync("nowhere", path);
    },
  };
  for (const [word, damage] of Object.entries(damages))
    (word === "overwritten" ? check : checkMore)(
      `with every file ${word}: exit 0, and all directions work`,
      async () => {
        expect((await backUp()).exitCode).toBe(0);
        addRandom("more", MIB);
        damageAll(damage);
        const run = await backUp();
        expect(run.exitCode, run.output).toBe(0);
        damageAll(damage);
        const restore = await suite.bench.run({ args: ["restore"] });
        expect(restore.exitCode, restore.output).toBe(0);
        damageAll(damage);
        const upkeep = await suite.bench.run({ env: { DIRECTION: "maintenance" } });
        expect(upkeep.exitCode, upkeep.output).toBe(0);
        await expectWorksAgain(3);
      },
    );

  function damageAll(damage: (path: string) => void): void {
    const entries = readdirSync(suite.bench.cache, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile()))
      damage(join(entry.parentPath, entry.name));
  }
});
