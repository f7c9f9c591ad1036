import {
  chownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { JOB_UID, JobBench, jobSuite } from "./job-container.ts";
import { JUDGES, type ListedSnapshot, kopia as viewWith, snapshotsOf } from "./repository-view.ts";

const RETENTION_RUNS = Number(process.env["MOVER_RETENTION_RUNS"] ?? 4);

const suite = jobSuite((own) => {
  write("data", "file.txt", "precious", own);
});
const { check } = suite;

function write(
  place: "data" | "volume",
  name: string,
  text: string,
  own: JobBench = suite.bench,
): void {
  const path = join(own[place], name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  chownSync(path, JOB_UID, JOB_UID);
}

const kopia = (args: readonly string[], program?: string): string =>
  viewWith(suite.bench, args, program);
const snapshots = (program?: string): ListedSnapshot[] => snapshotsOf(suite.bench, program);

const byName = (a: string, b: string): number => (a < b ? -1 : 1);

function checkEach(
  name: string,
  cases: readonly string[],
  run: (word: string) => Promise<void>,
): void {
  for (const word of cases) check(name.replace("%s", word), () => run(word));
}

describe("backup", () => {
  check(
    "[2.12/1] [8.1/start] fresh repository, retention and compression: identity, policy, tree",
    async () => {
      mkdirSync(join(suite.bench.data, "lost+found"));
      symlinkSync("file.txt", join(suite.bench.data, "link"));
      const run = await suite.bench.run({
        args: ["backup"],
        env: {
          KOPIA_RETAIN_HOURLY: "24",
          KOPIA_RETAIN_DAILY: "7",
          KOPIA_COMPRESSION: "zstd-fastest",
        },
      });
      expect(run.exitCode, run.output).toBe(0);
      expect(run.output).toContain("INFO: Snapshot created successfully");
      expect(run.lastKilobyte).toContain("OPERATION_RESULT: SUCCESS");
      expect(run.output).not.toContain("conformance-password");
      for (const judge of JUDGES) {
        expect(snapshots(judge)).toMatchObject([
          { source: { userName: "atuin-src", host: "default", path: "/data" } },
        ]);
        kopia(["snapshot", "verify", "--verify-files-percent=100"], judge);
        const policy = JSON.parse(
          kopia(["policy", "show", "atuin-src@default:/data", "--json"], judge),
        ) as Record<string, Record<string, unknown>>;
        expect(policy["retention"]).toMatchObject({ keepHourly: 24, keepDaily: 7, keepLatest: 10 });
        expect(policy["compression"]).toMatchObject({ compressorName: "zstd-fastest" });
        expect(kopia(["maintenance", "info"], judge)).toContain("Owner: atuin-src@default");
      }
    },
  );

  check("[2.12/2] empty directory: skipped, exit 0, nothing created", async () => {
    rmSync(join(suite.bench.data, "file.txt"));
    const run = await suite.bench.run({ args: ["backup"] });
    expect(run.exitCode).toBe(0);
    expect(run.output).toContain("== Directory is empty skipping backup ===");
    expect(readdirSync(suite.bench.volume)).toEqual([]);
  });

  checkEach(
    "repository at %s",
    ["/repository/repository", "/kopia/repository", "/mnt/repo", "/repository"],
    async (place) => {
      const mount =
        place === "/repository/repository"
          ? "/repository"
          : place.replace(/\/repository$/, "") || place;
      const run = await suite.bench.run({
        args: ["backup"],
        env: { KOPIA_REPOSITORY: `filesystem://${place}` },
        mounts: {
          "/data": suite.bench.data,
          "/cache": suite.bench.cache,
          [mount]: suite.bench.volume,
        },
      });
      expect(run.exitCode, run.output).toBe(0);
    },
  );

  check("[2.12/3] without retention the defaults are inherited", async () => {
    expect((await suite.bench.run({ args: ["backup"] })).exitCode).toBe(0);
    const policy = JSON.parse(kopia(["policy", "show", "atuin-src@default:/data", "--json"])) as {
      readonly retention: Readonly<Record<string, number>>;
    };
    expect(policy.retention).toMatchObject({ keepLatest: 10, keepHourly: 48, keepAnnual: 3 });
  });

  check("[2.12/4] a second run connects again and reads nothing", async () => {
    expect((await suite.bench.run({ args: ["backup"] })).exitCode).toBe(0);
    const again = await suite.bench.run({ args: ["backup"] });
    expect(again.exitCode).toBe(0);
    expect(again.output).toContain("read 0, reused 1");
    expect(snapshots()).toHaveLength(2);
  });

  check(
    "runs with latest=3 keep three snapshots and expire none of another source",
    async () => {
      expect(
        (await suite.bench.run({ args: ["backup"], env: { KOPIA_OVERRIDE_USERNAME: "other" } }))
          .exitCode,
      ).toBe(0);
      const env = { KOPIA_RETAIN_LATEST: "3", KOPIA_RETAIN_STRICT: "true" };
      for (let round = 0; round < RETENTION_RUNS; round++) {
        write("data", "round", String(round));
        expect((await suite.bench.run({ args: ["backup"], env })).exitCode).toBe(0);
      }
      for (const judge of JUDGES) {
        const own = snapshots(judge).filter(({ source }) => source.userName === "atuin-src");
        expect(own).toHaveLength(3);
        expect(snapshots(judge)).toHaveLength(4);
      }
    },
    120_000 + 20_000 * RETENTION_RUNS,
  );

  check("[2.12/8] structured JSON config: the identity counts all the same", async () => {
    const config = { storage: { type: "filesystem", config: { path: "/repository/repository" } } };
    const run = await suite.bench.run({
      args: ["backup"],
      env: { KOPIA_STRUCTURED_REPOSITORY_CONFIG: JSON.stringify(config), KOPIA_REPOSITORY: "" },
    });
    expect(run.exitCode, run.output).toBe(0);
    expect(snapshots()[0]?.source.userName).toBe("atuin-src");
  });

  check("[2.12/9] invalid KOPIA_MANUAL_CONFIG: exit 1, nothing created", async () => {
    const run = await suite.bench.run({ args: ["backup"], env: { KOPIA_MANUAL_CONFIG: "{" } });
    expect(run.exitCode).toBe(1);
    expect(readdirSync(suite.bench.volume)).toEqual([]);
  });

  check("KOPIA_MANUAL_CONFIG chooses the algorithms of a new repository", async () => {
    const manual = {
      encryption: { algorithm: "CHACHA20-POLY1305-HMAC-SHA256" },
      splitter: { algorithm: "FIXED-1M" },
    };
    const run = await suite.bench.run({
      args: ["backup"],
      env: { KOPIA_MANUAL_CONFIG: JSON.stringify(manual) },
    });
    expect(run.exitCode, run.output).toBe(0);
    const status = kopia(["repository", "status"]);
    expect(status).toContain("CHACHA20-POLY1305-HMAC-SHA256");
    expect(status).toContain("FIXED-1M");
  });

  check("[2.12/10] KOPIA_SKIP_CACHE_CONFIG is harmless", async () => {
    const run = await suite.bench.run({
      args: ["backup"],
      env: { KOPIA_SKIP_CACHE_CONFIG: "true" },
    });
    expect(run.exitCode).toBe(0);
  });

  check(
    "[2.12/11] [8.1/arguments] additional arguments are split at the whole separator",
    async () => {
      const run = await suite.bench.run({
        args: ["backup"],
        env: {
          KOPIA_ADDITIONAL_ARGS:
            "--tags=APP:Sonarr|VOLSYNC_ARG_SEP|--description=A_LONG NAME|VOLSYNC_ARG_SEP|--one-file-system",
        },
      });
      expect(run.exitCode, run.output).toBe(0);
      expect(snapshots()[0]?.tags).toEqual({ "tag:APP": "Sonarr" });
      expect(snapshots()[0]?.description).toBe("A_LONG NAME");
      expect(kopia(["policy", "show", "atuin-src@default:/data", "--json"])).toContain(
        '"oneFileSystem":true',
      );
    },
  );

  checkEach(
    "[8.1/arguments] forbidden argument %s: refused before anything is touched",
    ["--password=evil", "--config-file=/x", "--log-file=/x", "--log-dir=/x", "-pevil", "--unknown"],
    async (word) => {
      const run = await suite.bench.run({ args: ["backup"], env: { KOPIA_ADDITIONAL_ARGS: word } });
      expect(run.exitCode).toBe(1);
      expect(run.output).toContain(word.split("=")[0]?.slice(0, 2));
      expect(run.output).not.toContain("evil");
      expect(readdirSync(suite.bench.volume)).toEqual([]);
    },
  );

  check("actions run around the snapshot; a failing one before it stops the run", async () => {
    const env = {
      KOPIA_BEFORE_SNAPSHOT: "echo before > /data/dump && echo done-before",
      KOPIA_AFTER_SNAPSHOT: "echo done-after; exit 7",
    };
    const run = await suite.bench.run({ args: ["backup"], env });
    expect(run.exitCode, run.output).toBe(0);
    expect(run.output).toContain("done-before");
    expect(run.output).toContain("WARN: After-snapshot action failed: exit code 7");
    const failing = await suite.bench.run({
      args: ["backup"],
      env: { KOPIA_BEFORE_SNAPSHOT: "exit 3" },
    });
    expect(failing.exitCode).toBe(1);
    expect(failing.lastKilobyte).toContain("Before-snapshot action failed: exit code 3");
    expect(snapshots()).toHaveLength(1);
  });

  check("source path override: recorded, and retention lands on the same source", async () => {
    const env = { KOPIA_SOURCE_PATH_OVERRIDE: "/config", KOPIA_RETAIN_LATEST: "1" };
    expect((await suite.bench.run({ args: ["backup"], env })).exitCode).toBe(0);
    expect(snapshots()[0]?.source.path).toBe("/config");
    expect(kopia(["policy", "show", "atuin-src@default:/config", "--json"])).toContain(
      '"keepLatest":1',
    );
  });

  check("a mounted global policy file reaches every documented field", async () => {
    const config = join(suite.bench.root, "kopia-config");
    mkdirSync(config);
    writeFileSync(
      join(config, "global-policy.json"),
      JSON.stringify({
        retention: { keepLatest: 4, keepYearly: 2 },
        compression: { compressor: "zstd" },
        files: { ignore: ["*.tmp"], ignoreCacheDirs: true },
        scheduling: { interval: "6h" },
      }),
    );
    const run = await suite.bench.run({
      args: ["backup"],
      env: { KOPIA_GLOBAL_POLICY_FILE: "/kopia-config/global-policy.json" },
      mounts: {
        "/data": suite.bench.data,
        "/cache": suite.bench.cache,
        "/repository": suite.bench.volume,
        "/kopia-config": config,
      },
    });
    expect(run.exitCode, run.output).toBe(0);
    expect(run.output).toContain("Policy configuration summary: 6 applied, 0 errors");
    for (const judge of JUDGES)
      expect(JSON.parse(kopia(["policy", "show", "--global", "--json"], judge))).toMatchObject({
        retention: { keepLatest: 4, keepAnnual: 2 },
        compression: { compressorName: "zstd" },
        files: { ignore: ["*.tmp"], ignoreCacheDirs: true },
        scheduling: { intervalSeconds: 21600 },
      });
  });
});

describe("the shrink guard", () => {
  check("empty where there was data: phrase, exit code 3, nothing stored", async () => {
    expect((await suite.bench.run({ args: ["backup"] })).exitCode).toBe(0);
    rmSync(join(suite.bench.data, "file.txt"));
    const run = await suite.bench.run({ args: ["backup"] });
    expect(run.exitCode).toBe(3);
    expect(run.output).toContain("== Directory is empty skipping backup ===");
    expect(run.lastKilobyte).toContain("SHRINK GUARD: 0 files where snapshot");
    expect(snapshots()).toHaveLength(1);
    const off = await suite.bench.run({ args: ["backup"], env: { KOPIA_SHRINK_GUARD: "off" } });
    expect(off.exitCode).toBe(0);
  });

  check("a source that lost most of its files is stored with a tag, retention frozen", async () => {
    for (let index = 0; index < 20; index++) write("data", `file-${index}`, "x");
    const env = { KOPIA_SHRINK_GUARD: "50", KOPIA_RETAIN_LATEST: "1", KOPIA_RETAIN_STRICT: "true" };
    expect((await suite.bench.run({ args: ["backup"], env })).exitCode).toBe(0);
    for (let index = 0; index < 15; index++) rmSync(join(suite.bench.data, `file-${index}`));
    const run = await suite.bench.run({ args: ["backup"], env });
    expect(run.exitCode).toBe(3);
    expect(snapshots()).toHaveLength(2);
    expect(snapshots()[1]?.tags?.["tag:shrink-guard"]).toMatch(/^6 files where snapshot/);
    // A Job that is retried does not store it again and again.
    expect((await suite.bench.run({ args: ["backup"], env })).exitCode).toBe(3);
    expect(snapshots()).toHaveLength(2);
    // A restore takes the last good one.
    const restore = await suite.bench.run({ args: ["restore"] });
    expect(restore.exitCode, restore.output).toBe(0);
    expect(readdirSync(suite.bench.restored)).toHaveLength(21);
    const accepted = await suite.bench.run({
      args: ["backup"],
      env: { ...env, KOPIA_SHRINK_GUARD_ACCEPT: "true" },
    });
    expect(accepted.exitCode, accepted.output).toBe(0);
    expect(snapshots()).toHaveLength(1);
  });
});

describe("failures leave the repository alone", () => {
  async function refused(spec: Parameters<JobBench["run"]>[0], phrase: string): Promise<void> {
    const before = readdirSync(suite.bench.volume, { recursive: true, encoding: "utf8" }).toSorted(
      byName,
    );
    const run = await suite.bench.run({ args: ["backup"], ...spec });
    expect(run.exitCode, run.output).toBe(1);
    expect(run.lastKilobyte).toContain(phrase);
    expect(run.lastKilobyte).toContain("OPERATION_RESULT: FAILURE");
    expect(run.output).not.toContain("conformance-password");
    expect(
      readdirSync(suite.bench.volume, { recursive: true, encoding: "utf8" }).toSorted(byName),
    ).toEqual(before);
  }

  check("[8.1/failure] wrong password", async () => {
    expect((await suite.bench.run({ args: ["backup"] })).exitCode).toBe(0);
    await refused({ env: { KOPIA_PASSWORD: "another-password" } }, "password");
  });

  check("[2.12/12] no password", async () => {
    await refused({ env: { KOPIA_PASSWORD: "" } }, "KOPIA_PASSWORD must be defined");
  });

  check("[8.1/failure] the mount is missing", async () => {
    await refused(
      { mounts: { "/data": suite.bench.data, "/cache": suite.bench.cache } },
      "/repository does not exist: the repository's volume is not mounted",
    );
  });

  check(
    "the mount is missing in a later run: the cache remembers, nothing is created",
    async () => {
      expect((await suite.bench.run({ args: ["backup"] })).exitCode).toBe(0);
      const bare = join(suite.bench.root, "bare");
      mkdirSync(bare);
      chownSync(bare, JOB_UID, JOB_UID);
      const run = await suite.bench.run({
        args: ["backup"],
        mounts: { "/data": suite.bench.data, "/cache": suite.bench.cache, "/repository": bare },
      });
      expect(run.exitCode).toBe(1);
      expect(run.lastKilobyte).toContain("an earlier run used one there");
      expect(readdirSync(bare)).toEqual([]);
      const allowed = await suite.bench.run({
        args: ["backup"],
        mounts: { "/data": suite.bench.data, "/cache": suite.bench.cache, "/repository": bare },
        env: { KOPIA_ALLOW_NEW_REPOSITORY: "true" },
      });
      expect(allowed.exitCode, allowed.output).toBe(0);
    },
  );

  check(
    "a path on the container's own root is refused where the image asks for a mount",
    async () => {
      await refused(
        {
          env: {
            KOPIA_REQUIRE_MOUNT: "true",
            KOPIA_REPOSITORY: "filesystem:///mover-kopia/repository",
          },
        },
        "is not on a mounted volume",
      );
    },
  );

  check("the repository lies one level up or down: named, not created", async () => {
    expect((await suite.bench.run({ args: ["backup"] })).exitCode).toBe(0);
    rmSync(suite.bench.cache, { recursive: true });
    mkdirSync(suite.bench.cache);
    chownSync(suite.bench.cache, JOB_UID, JOB_UID);
    await refused(
      { env: { KOPIA_REPOSITORY: "filesystem:///repository" } },
      "KOPIA_REPOSITORY=filesystem:///repository/repository",
    );
    await refused(
      { env: { KOPIA_REPOSITORY: "filesystem:///repository/repository/inner" } },
      "KOPIA_REPOSITORY=filesystem:///repository/repository",
    );
  });

  check("[2.12/5] [8.1/failure] foreign files", async () => {
    write("volume", "repository/photo.jpg", "x");
    await refused({}, "photo.jpg");
    await refused({}, "Failed to create repository");
  });

  check("[8.1/failure] read-only repository", async () => {
    expect((await suite.bench.run({ args: ["backup"] })).exitCode).toBe(0);
    await refused({ readOnly: ["/repository"] }, "ERROR");
  });

  check("another owner's repository directory", async () => {
    chownSync(suite.bench.volume, 0, 0);
    await refused({}, "ermission");
  });

  check("[2.12/6] [8.1/failure] a damaged cache is no obstacle", async () => {
    expect((await suite.bench.run({ args: ["backup"] })).exitCode).toBe(0);
    for (const entry of readdirSync(suite.bench.cache, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) writeFileSync(join(entry.parentPath, entry.name), "damaged");
    const run = await suite.bench.run({ args: ["backup"] });
    expect(run.exitCode, run.output).toBe(0);
    expect(
      (await suite.bench.run({ args: ["backup"], env: { KOPIA_FORCE_CACHE_REBUILD: "true" } }))
        .exitCode,
    ).toBe(0);
    expect(snapshots()).toHaveLength(3);
  });
});

describe("words", () => {
  check("[2.12/21] unknown argument 2, maintenance as an argument 1, none 0", async () => {
    expect((await suite.bench.run({ args: ["foo"] })).exitCode).toBe(2);
    const maintenance = await suite.bench.run({ args: ["maintenance"] });
    expect(maintenance.exitCode).toBe(1);
    expect(maintenance.output).toContain("KopiaMaintenance");
    expect((await suite.bench.run({ args: [] })).exitCode).toBe(0);
  });

  check("DIRECTION=source is a backup", async () => {
    const run = await suite.bench.run({ env: { DIRECTION: "source" } });
    expect(run.exitCode, run.output).toBe(0);
    expect(run.output).toContain("OPERATION_TYPE: source");
  });
});

describe("signals", () => {
  check(
    "[2.12/22] [8.1/signals] SIGTERM in mid-backup: 143, and the next run goes on",
    async () => {
      for (let index = 0; index < 300; index++)
        write("data", `big-${index}`, `${index}`.repeat(200_000));
      const run = await suite.bench.run({ args: ["backup"], terminateAt: /Snapshotting/ });
      expect(run.output).toContain("WARN: Received SIGTERM signal - pod is being terminated");
      expect([143, 0]).toContain(run.exitCode);
      if (run.exitCode === 0) expect(run.output).toContain("Snapshot created successfully");
      const next = await suite.bench.run({ args: ["backup"] });
      expect(next.exitCode, next.output).toBe(0);
      kopia(["snapshot", "verify", "--verify-files-percent=100"]);
    },
  );

  check("SIGTERM while the action runs: not a success", async () => {
    const run = await suite.bench.run({
      args: ["backup"],
      env: { KOPIA_BEFORE_SNAPSHOT: "echo acting; sleep 60" },
      terminateAt: /acting/,
    });
    expect(run.exitCode).toBe(143);
    expect(readFileSync(join(suite.bench.data, "file.txt"), "utf8")).toBe("precious");
  });

  check("KOPIA_TIMEOUT ends a run that hangs", async () => {
    const run = await suite.bench.run({
      args: ["backup"],
      env: { KOPIA_BEFORE_SNAPSHOT: "sleep 60", KOPIA_TIMEOUT: "1s" },
    });
    expect(run.exitCode).toBe(124);
    expect(run.lastKilobyte).toContain("KOPIA_TIMEOUT");
  });
});
