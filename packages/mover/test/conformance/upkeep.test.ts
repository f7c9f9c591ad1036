import { createServer } from "node:http";
import { once } from "node:events";
import {
  chownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { JOB_UID, jobSuite } from "./job-container.ts";
import { JUDGES, kopia } from "./repository-view.ts";

const suite = jobSuite(async (own) => {
  for (let index = 0; index < 30; index++)
    writeFileSync(join(own.data, `file-${index}`), `${index} `.repeat(1000 * (index + 1)));
  const run = await own.run({ args: ["backup"] });
  expect(run.exitCode, run.output).toBe(0);
});
const { check } = suite;

function packs(): string[] {
  return readdirSync(join(suite.bench.volume, "repository"), { recursive: true, encoding: "utf8" })
    .filter((name) => /(^|\/)p\w*\/.*\.f$/.test(name))
    .map((name) => join(suite.bench.volume, "repository", name));
}

describe("maintenance", () => {
  check(
    "[2.12/19] [8.1/maintenance] takes the repository over, runs, and says so; again: nothing to take",
    async () => {
      const run = await suite.bench.run({ env: { DIRECTION: "maintenance", DATA_DIR: undefined } });
      expect(run.exitCode, run.output).toBe(0);
      expect(run.output).toContain("taking over as maintenance@volsync");
      expect(run.output).toContain("MAINTENANCE_STATUS: SUCCESS");
      for (const judge of JUDGES)
        expect(kopia(suite.bench, ["maintenance", "info"], judge)).toContain(
          "Owner: maintenance@volsync",
        );
      const again = await suite.bench.run({ env: { DIRECTION: "maintenance" } });
      expect(again.exitCode, again.output).toBe(0);
      expect(again.output).not.toContain("taking over");
      const other = await suite.bench.run({
        env: { DIRECTION: "maintenance", KOPIA_OVERRIDE_MAINTENANCE_USERNAME: "keeper@cluster" },
      });
      expect(other.exitCode, other.output).toBe(0);
      expect(other.output).toContain("taking over as keeper@cluster");
    },
  );

  check("[2.12/20] a full cycle that fails: exit 1, its cause in the summary", async () => {
    expect((await suite.bench.run({ env: { DIRECTION: "maintenance" } })).exitCode).toBe(0);
    const run = await suite.bench.run({
      env: { DIRECTION: "maintenance" },
      readOnly: ["/repository"],
    });
    expect(run.exitCode).toBe(1);
    expect(run.lastKilobyte).toContain("OPERATION_RESULT: FAILURE");
    expect(run.output).toMatch(/MAINTENANCE_FAILURE_REASON: .*read-only/);
  });

  check("[8.1/maintenance] no /tmp, and a Secret that is imported whole", async () => {
    const run = await suite.bench.run({
      env: {
        DIRECTION: "maintenance",
        DATA_DIR: undefined,
        KOPIA_FS_PATH: "/repository",
        GOOGLE_APPLICATION_CREDENTIALS: '{"private_key":"imported-credential"}',
        SFTP_KEY_FILE: "imported-credential",
        KOPIA_LOG_LEVEL: "debug",
      },
      withoutTmp: true,
    });
    expect(run.exitCode, run.output).toBe(0);
    expect(run.output).not.toContain("imported-credential");
  });
});

describe("drill", () => {
  check("restores a sample and compares it; leaves a result and no scratch", async () => {
    const run = await suite.bench.run({ env: { DIRECTION: "drill", KOPIA_DRILL_FILES: "10" } });
    expect(run.exitCode, run.output).toBe(0);
    expect(run.output).toContain("Restore drill: 10 files of 1 sources, 0 errors");
    const result = JSON.parse(
      readFileSync(join(suite.bench.cache, "drill-result.json"), "utf8"),
    ) as {
      readonly succeeded: boolean;
      readonly sources: readonly { readonly source: string; readonly files: number }[];
    };
    expect(result.succeeded).toBe(true);
    expect(result.sources).toMatchObject([{ source: "atuin-src@default:/data", files: 10 }]);
  });

  check("finds packs that were cut short", async () => {
    for (const pack of packs()) truncateSync(pack, Math.floor(statSync(pack).size / 2));
    const run = await suite.bench.run({ env: { DIRECTION: "drill", KOPIA_DRILL_FILES: "30" } });
    expect(run.exitCode).toBe(1);
    expect(run.lastKilobyte).toContain("Restore drill failed");
  });
});

describe("verify", () => {
  check("slices cover every file within the period", async () => {
    const part = await suite.bench.run({
      env: { DIRECTION: "verify", KOPIA_VERIFY_PERIOD: "3h", KOPIA_VERIFY_INTERVAL: "1h" },
    });
    expect(part.exitCode, part.output).toBe(0);
    expect(Number(/read (\d+) files/.exec(part.output)?.[1])).toBeLessThan(30);
    const whole = await suite.bench.run({
      env: { DIRECTION: "verify", KOPIA_VERIFY_PERIOD: "1h", KOPIA_VERIFY_INTERVAL: "1h" },
    });
    expect(whole.output).toContain("read 30 files");
  });

  check("finds packs that were cut short, exit 1", async () => {
    for (const pack of packs()) truncateSync(pack, 100);
    const run = await suite.bench.run({ env: { DIRECTION: "verify" } });
    expect(run.exitCode).toBe(1);
    expect(run.lastKilobyte).toContain("Verification failed");
  });
});

describe("report", () => {
  check("the fields of the daily verifier; problems end with exit 1", async () => {
    const good = await suite.bench.run({ env: { DIRECTION: "report" }, readOnly: ["/repository"] });
    expect(good.exitCode, good.output).toBe(0);
    expect(good.output).toMatch(/^Snapshots: {11}1 of 1 sources; today 1, yesterday 0 \(UTC\)$/m);
    expect(good.output).toMatch(/^atuin-src@default:\/data: 1 snapshots, latest 20/m);
    const bad = await suite.bench.run({
      env: {
        DIRECTION: "report",
        KOPIA_REPORT_EXPECTED: "atuin-src@default,sonarr-src@default",
        KOPIA_REPORT_JSON: "true",
      },
    });
    expect(bad.exitCode).toBe(1);
    const line = bad.output.split("\n").find((text) => text.startsWith('{"date"')) ?? "{}";
    expect(JSON.parse(line)).toMatchObject({
      totals: { sources: 1, snapshots: 1, today: 1 },
      problems: ["sonarr-src@default has no snapshot"],
    });
  });

  check("a restore that began long ago and did not end is found", async () => {
    const status = { dataDirectory: "/restore/data", startedAt: "2020-01-01T00:00:00Z" };
    writeFileSync(join(suite.bench.cache, "restore-status.json"), JSON.stringify(status));
    const run = await suite.bench.run({ env: { DIRECTION: "report" } });
    expect(run.exitCode).toBe(1);
    expect(run.output).toContain("and has not ended");
  });
});

describe("observability", () => {
  check("metrics reach a textfile and a push gateway, grouped by identity", async () => {
    const received: { url: string; body: string }[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        received.push({ url: request.url ?? "", body });
        response.end();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const run = await suite.bench.run({
      args: ["backup"],
      env: {
        KOPIA_METRICS_FILE: "/cache/kopia.prom",
        KOPIA_METRICS_PUSH_URL: `http://user:push-secret@127.0.0.1:${port}`,
      },
    });
    server.close();
    expect(run.exitCode, run.output).toBe(0);
    expect(run.output).not.toContain("push-secret");
    const text = readFileSync(join(suite.bench.cache, "kopia.prom"), "utf8");
    expect(text).toContain('kopia_backup_files{source="atuin-src@default:/data"} 30\n');
    expect(text).toContain('kopia_mover_last_run_exit_code{direction="backup"} 0\n');
    expect(received).toMatchObject([
      { url: "/metrics/job/kopia-mover/instance/atuin-src%40default/direction/backup", body: text },
    ]);
  });

  check("JSON logs, one object a line, without secrets", async () => {
    const run = await suite.bench.run({
      args: ["backup"],
      env: { KOPIA_LOG_FORMAT: "json", KOPIA_BEFORE_SNAPSHOT: "echo $KOPIA_PASSWORD" },
    });
    expect(run.exitCode, run.output).toBe(0);
    const lines = run.output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { msg: string });
    expect(lines.map(({ msg }) => msg)).toContain("Snapshot created successfully");
    expect(run.output).toContain("[REDACTED]");
    expect(run.output).not.toContain("conformance-password");
  });

  check("the termination message holds the cause", async () => {
    const log = join(suite.bench.cache, "termination-log");
    writeFileSync(log, "");
    chownSync(log, JOB_UID, JOB_UID);
    const run = await suite.bench.run({
      args: ["backup"],
      env: { KOPIA_TERMINATION_LOG: "/cache/termination-log", KOPIA_PASSWORD: "wrong-password" },
    });
    expect(run.exitCode).toBe(1);
    expect(readFileSync(log, "utf8")).toMatch(/ERROR: .*password/);
  });

  check("a pod without HOME, passwd entry and writable root can be debugged", async () => {
    const directory = join(suite.bench.root, "debug");
    mkdirSync(directory);
    const run = await suite.bench.run({
      args: ["backup"],
      env: { DEBUG_MOVER: "1" },
      terminateAt: /exit-debug-if-removed/,
    });
    expect(run.exitCode).toBe(0);
  });
});
