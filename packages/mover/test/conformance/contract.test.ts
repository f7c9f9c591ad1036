import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { JOB_UID, type JobRun, type JobSpec, jobSuite } from "./job-container.ts";
import { JUDGES, OURS, kopia, snapshotsOf } from "./repository-view.ts";

const suite = jobSuite((own) => {
  writeFileSync(join(own.data, "file.txt"), "precious");
  chownSync(join(own.data, "file.txt"), JOB_UID, JOB_UID);
});
const { check } = suite;

async function passes(spec: JobSpec): Promise<JobRun> {
  const run = await suite.bench.run(spec);
  expect(run.exitCode, run.output).toBe(0);
  return run;
}

describe("who runs it and on what", () => {
  check("[8.1/start] uid 0 without capabilities backs up and restores what it may", async () => {
    const { data, cache, volume, restored } = suite.bench;
    for (const path of [data, cache, volume, restored, join(data, "file.txt")])
      chownSync(path, 0, 0);
    await passes({ args: ["backup"], uid: 0, withoutCapabilities: true });
    await passes({ args: ["restore"], uid: 0, withoutCapabilities: true });
    expect(readFileSync(join(restored, "file.txt"), "utf8")).toBe("precious");
  });

  check(
    "[2.12/7] [8.1/backup] an unreadable file: exit 1, named, and the rest is kept",
    async () => {
      const path = join(suite.bench.data, "unreadable.key");
      writeFileSync(path, "x", { mode: 0o600 });
      const run = await suite.bench.run({ args: ["backup"] });
      expect(run.exitCode, run.output).toBe(1);
      expect(run.lastKilobyte).toContain("Failed to create snapshot");
      expect(run.lastKilobyte).toContain("unreadable.key");
      await passes({ args: ["backup"], env: { KOPIA_ACCEPT_SOURCE_ERRORS: "true" } });
      chmodSync(path, 0o644);
      await passes({ args: ["backup"] });
    },
  );

  check("[8.1/backup] sparse files, pipes, sockets, lost+found, names of odd bytes", async () => {
    const { data, restored } = suite.bench;
    const odd = Buffer.from([0x6f, 0xff, 0xfe, 0x0a, 0x22, 0x5c]);
    writeFileSync(Buffer.concat([Buffer.from(`${data}/`), odd]), "odd");
    writeFileSync(join(data, "sparse"), "");
    truncateSync(join(data, "sparse"), 64 * 2 ** 20);
    mkdirSync(join(data, "lost+found"));
    spawnSync("mkfifo", [join(data, "pipe")]);
    const socket = createServer().listen(join(data, "socket"));
    await once(socket, "listening");
    spawnSync("chown", ["-R", "-h", `${JOB_UID}:${JOB_UID}`, data]);
    await passes({ args: ["backup"] });
    await passes({ args: ["restore"] });
    // Closing it removes its file.
    socket.close();
    // Manifests are JSON: what is not UTF-8 comes back as U+FFFD, as with the real program.
    const names = readdirSync(restored);
    expect(names).toContain(odd.toString("utf8"));
    expect(names).toEqual(expect.arrayContaining(["file.txt", "sparse"]));
    expect(lstatSync(join(restored, "sparse")).size).toBe(64 * 2 ** 20);
    for (const judge of JUDGES)
      kopia(suite.bench, ["snapshot", "verify", "--verify-files-percent=100"], judge);
  });
});

describe("several at once", () => {
  check("[8.1/concurrency] four movers, one maintenance, one verifier: all pass", async () => {
    const { root, volume } = suite.bench;
    await passes({ args: ["backup"] });
    const place = (name: string): string => {
      const path = join(root, name);
      mkdirSync(path);
      chownSync(path, JOB_UID, JOB_UID);
      return path;
    };
    const job = (index: number, spec: JobSpec): Promise<JobRun> => {
      const [data, cache] = [place(`data-${index}`), place(`cache-${index}`)];
      for (let file = 0; file < 40; file++)
        writeFileSync(join(data, `f${file}`), `${index} ${file % 7} `.repeat(3000));
      const mounts = { "/data": data, "/cache": cache, "/repository": volume };
      const env = { KOPIA_OVERRIDE_USERNAME: `app${index}-src`, ...spec.env };
      return suite.bench.run({ ...spec, mounts, env });
    };
    const runs = await Promise.all([
      ...[1, 2, 3, 4].map((index) => job(index, { args: ["backup"] })),
      job(5, { env: { DIRECTION: "maintenance" } }),
      job(6, { env: { DIRECTION: "verify" } }),
    ]);
    for (const run of runs) expect(run.exitCode, run.output).toBe(0);
    for (const judge of JUDGES) {
      expect(snapshotsOf(suite.bench, judge)).toHaveLength(5);
      kopia(suite.bench, ["snapshot", "verify", "--verify-files-percent=100"], judge);
    }
  });
});

describe("commands that people and their CronJobs run", () => {
  const CONNECTION = "--config-file=/cache/people.config";

  async function command(args: readonly string[], readOnly = false): Promise<JobRun> {
    const env = { KOPIA_CACHE_DIRECTORY: "/cache/people", KOPIA_LOG_DIR: "/cache/people-logs" };
    const { data, cache, volume, restored } = suite.bench;
    return await suite.bench.run({
      program: [OURS],
      args: [...args, CONNECTION],
      env: { ...env, KOPIA_CHECK_FOR_UPDATES: "false" },
      mounts: {
        "/data": data,
        "/cache": cache,
        "/repository": volume,
        "/restore/data": restored,
      },
      ...(readOnly ? { readOnly: ["/repository"] } : {}),
    });
  }

  async function says(args: readonly string[], readOnly = false): Promise<string> {
    const run = await command(args, readOnly);
    expect(run.exitCode, `${args.join(" ")}: ${run.output}`).toBe(0);
    return run.output;
  }

  check("[8.1/seed-commands] verifier, status, list, delete, maintenance, restore", async () => {
    await passes({ args: ["backup"] });
    await passes({ env: { DIRECTION: "maintenance" } });
    await says(
      [
        "repository",
        "connect",
        "filesystem",
        "--path=/repository/repository",
        "--readonly",
        "--override-username=volsync",
        "--override-hostname=volsync.volsync-system.svc.cluster.local",
      ],
      true,
    );
    const status = await says(["repository", "status"], true);
    for (const line of [
      "Storage capacity:",
      "Storage available:",
      "Format version:",
      "Hash:",
      "Encryption:",
    ])
      expect(status).toContain(line);
    const [listed] = JSON.parse(await says(["snapshot", "list", "--all", "--json"], true)) as {
      readonly id: string;
    }[];
    expect(listed).toMatchObject({
      source: { host: "default", userName: "atuin-src" },
      stats: { totalSize: 8, errorCount: 0, ignoredErrorCount: 0 },
    });
    const id = listed?.id ?? "";
    await says(["snapshot", "verify", id, "--verify-files-percent=1"], true);
    expect(await says(["snapshot", "list", "--all"], true)).toContain("atuin-src@default:/data");
    const target = "/restore/data";
    const source = "atuin-src@default:/data";
    await says([
      "snapshot",
      "restore",
      source,
      target,
      "--parallel=8",
      "--ignore-permission-errors",
    ]);
    expect(statSync(join(suite.bench.restored, "file.txt")).size).toBe(8);
    rmSync(join(suite.bench.cache, "people.config"));
    await says(["repository", "connect", "filesystem", "--path=/repository/repository"]);
    expect((await command(["snapshot", "delete", id])).output).toContain("--delete");
    expect(snapshotsOf(suite.bench)).toHaveLength(1);
    const refused = await command(["maintenance", "run", "--full"]);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.output).toContain("maintenance@volsync");
    await says(["snapshot", "delete", id, "--delete"]);
    expect(snapshotsOf(suite.bench)).toHaveLength(0);
  });
});
