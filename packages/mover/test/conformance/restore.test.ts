import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { JOB_UID, type JobRun, jobSuite } from "./job-container.ts";
import { keptOfRestore, parseKept } from "./operator-log.ts";
import { snapshotsOf } from "./repository-view.ts";

const suite = jobSuite();
const { check } = suite;

/** One backup for each text, in order. */
async function backUp(...texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    writeFileSync(join(suite.bench.data, "file.txt"), text);
    chownSync(join(suite.bench.data, "file.txt"), JOB_UID, JOB_UID);
    const run = await suite.bench.run({ args: ["backup"] });
    expect(run.exitCode, run.output).toBe(0);
  }
}

async function restore(env: Record<string, string> = {}): Promise<JobRun> {
  return await suite.bench.run({ args: ["restore"], env });
}

function restoredText(): string {
  return readFileSync(join(suite.bench.restored, "file.txt"), "utf8");
}

describe("selection", () => {
  check(
    "[2.12/13] [2.12/15] [2.12/16] [2.12/17] [2.12/18] [8.1/restore] newest, previous, window, time, ID; beyond them exit 1",
    async () => {
      await backUp("one", "two", "three");
      const [first, second] = snapshotsOf(suite.bench);
      const newest = await restore();
      expect(newest.exitCode, newest.output).toBe(0);
      expect(restoredText()).toBe("three");
      expect(keptOfRestore(newest.output)).toContain(
        "INFO: Snapshot restore completed successfully",
      );
      expect((await restore({ KOPIA_PREVIOUS: "1" })).exitCode).toBe(0);
      expect(restoredText()).toBe("two");
      expect((await restore({ KOPIA_SHALLOW: "2", KOPIA_PREVIOUS: "1" })).exitCode).toBe(0);
      expect(restoredText()).toBe("two");
      const beyond = await restore({ KOPIA_PREVIOUS: "5" });
      expect(beyond.exitCode).toBe(1);
      expect(keptOfRestore(beyond.output)).toContain("Failed to restore snapshot");
      expect((await restore({ KOPIA_RESTORE_AS_OF: second?.startTime ?? "" })).exitCode).toBe(0);
      expect(restoredText()).toBe("two");
      expect((await restore({ KOPIA_RESTORE_SNAPSHOT_ID: first?.id ?? "" })).exitCode).toBe(0);
      expect(restoredText()).toBe("one");
      const before = await restore({ KOPIA_RESTORE_AS_OF: "2001-01-01T00:00:00+02:00" });
      expect(before.exitCode).toBe(0);
      expect(before.output).toContain("=== No data will be restored ===");
      expect(restoredText()).toBe("one");
      expect((await restore({ KOPIA_RESTORE_AS_OF: "yesterday" })).exitCode).toBe(1);
    },
  );

  check("a time in another zone is compared as a time, not as text", async () => {
    await backUp("only");
    const start = new Date(Date.parse(snapshotsOf(suite.bench)[0]?.startTime ?? ""));
    const later = new Date(start.getTime() + 60_000 + 14 * 3_600_000);
    const text = `${later.toISOString().slice(0, 19)}+14:00`;
    expect((await restore({ KOPIA_RESTORE_AS_OF: text })).exitCode).toBe(0);
    expect(restoredText()).toBe("only");
  });

  check("an incomplete newest snapshot is passed over, with a line that says so", async () => {
    await backUp("whole");
    for (let index = 0; index < 400; index++)
      writeFileSync(join(suite.bench.data, `big-${index}`), `${index}`.repeat(100_000), {
        mode: 0o644,
      });
    const stopped = await suite.bench.run({ args: ["backup"], terminateAt: /Snapshotting/ });
    const run = await restore();
    expect(run.exitCode, run.output).toBe(0);
    if (stopped.exitCode === 143 && snapshotsOf(suite.bench).length > 1)
      expect(run.output).toContain("is not used: it is incomplete");
    expect(restoredText()).toBe("whole");
  });
});

describe("nothing found", () => {
  check(
    "[2.12/14] [8.1/logs] exit 0 with the identities that exist, in what the operator keeps and parses",
    async () => {
      await backUp("one", "two");
      const env = { KOPIA_OVERRIDE_USERNAME: "atuin-restore", KOPIA_DISCOVER_SNAPSHOTS: "true" };
      const run = await restore(env);
      expect(run.exitCode).toBe(0);
      const kept = keptOfRestore(run.output);
      expect(kept).toContain("No eligible snapshots found");
      expect(parseKept(kept)).toEqual({
        requested: "atuin-restore@default:/data",
        available: { "atuin-src@default": 2 },
      });
      const required = await restore({ ...env, KOPIA_RESTORE_REQUIRED: "true" });
      expect(required.exitCode).toBe(1);
      expect(readdirSync(suite.bench.restored)).toEqual([]);
    },
  );

  check("snapshots of a parent directory are not taken", async () => {
    await backUp("one");
    const run = await restore({ KOPIA_SOURCE_PATH_OVERRIDE: "/data/inner" });
    expect(run.exitCode).toBe(0);
    expect(readdirSync(suite.bench.restored)).toEqual([]);
  });

  check("an empty repository says so", async () => {
    await backUp("one");
    rmSync(join(suite.bench.volume, "repository"), { recursive: true });
    rmSync(suite.bench.cache, { recursive: true });
    mkdirSync(suite.bench.cache);
    chownSync(suite.bench.cache, JOB_UID, JOB_UID);
    const run = await restore({ KOPIA_DISCOVER_SNAPSHOTS: "true" });
    expect(run.exitCode, run.output).toBe(0);
    expect(run.output).toContain("=== No data will be restored ===");
    expect(readdirSync(suite.bench.volume)).toEqual([]);
  });
});

describe("the volume", () => {
  check(
    "[8.1/restore] file deletion happens after a snapshot was found, and spares what is in it",
    async () => {
      await backUp("kept");
      writeFileSync(join(suite.bench.restored, "stray"), "old");
      chownSync(join(suite.bench.restored, "stray"), JOB_UID, JOB_UID);
      const env = { KOPIA_ENABLE_FILE_DELETION: "true" };
      const none = await restore({ ...env, KOPIA_OVERRIDE_USERNAME: "nobody-src" });
      expect(none.exitCode).toBe(0);
      expect(existsSync(join(suite.bench.restored, "stray"))).toBe(true);
      mkdirSync(join(suite.bench.restored, "lost+found"));
      const run = await restore(env);
      expect(run.exitCode, run.output).toBe(0);
      expect(readdirSync(suite.bench.restored).toSorted()).toEqual(["file.txt", "lost+found"]);
    },
  );

  check("modes, times, links, names of 255 bytes", async () => {
    const long = "n".repeat(255);
    writeFileSync(join(suite.bench.data, long), "long", { mode: 0o640 });
    symlinkSync("../outside", join(suite.bench.data, "link"));
    mkdirSync(join(suite.bench.data, "directory"), { mode: 0o750 });
    for (const name of [long, "directory"])
      chownSync(join(suite.bench.data, name), JOB_UID, JOB_UID);
    await backUp("text");
    const run = await restore();
    expect(run.exitCode, run.output).toBe(0);
    for (const name of [long, "link", "directory", "file.txt"]) {
      const [wanted, found] = [suite.bench.data, suite.bench.restored].map((place) =>
        lstatSync(join(place, name), { bigint: true }),
      );
      expect(found?.mode, name).toBe(wanted?.mode);
      if (name !== "directory") expect(found?.mtimeNs, name).toBe(wanted?.mtimeNs);
    }
  });

  check("a repository that is mounted read-only is enough", async () => {
    await backUp("text");
    const run = await suite.bench.run({ args: ["restore"], readOnly: ["/repository"] });
    expect(run.exitCode, run.output).toBe(0);
    expect(restoredText()).toBe("text");
  });

  check("additional arguments of a restore", async () => {
    await backUp("text");
    const known = await restore({
      KOPIA_ADDITIONAL_ARGS: "--ignore-permission-errors|VOLSYNC_ARG_SEP|--parallel=8",
    });
    expect(known.exitCode, known.output).toBe(0);
    expect((await restore({ KOPIA_ADDITIONAL_ARGS: "--tags=a:b" })).exitCode).toBe(1);
  });
});
