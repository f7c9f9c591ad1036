import { createServer } from "node:http";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createMoverLog } from "../log/mover-log.ts";
import { JobMetrics } from "./job-metrics.ts";
import type { MetricName } from "./metric-names.ts";
import { writeMetrics } from "./write-metrics.ts";

let directory: string;
let file: string;
const lines: string[] = [];
const write = (line: string): void => void lines.push(line);
const log = createMoverLog({ stdout: write, stderr: write });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "write-metrics-"));
  file = join(directory, "kopia.prom");
  lines.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true }));

async function writeRun(values: Partial<Record<MetricName, number>>, env = {}): Promise<void> {
  const metrics = new JobMetrics();
  for (const [name, value] of Object.entries(values)) metrics.set(name as MetricName, value);
  const all = { KOPIA_METRICS_FILE: file, ...env };
  await writeMetrics(metrics.families(), all, { log, direction: "backup" });
}

test("a run that fails does not take away when the last one succeeded", async () => {
  await writeRun({
    kopia_backup_last_success_timestamp_seconds: 1000,
    kopia_mover_last_run_exit_code: 0,
  });
  await writeRun({ kopia_mover_last_run_exit_code: 1 });
  const text = readFileSync(file, "utf8");
  expect(text).toMatch(/^kopia_mover_last_run_exit_code 1$/m);
  expect(text).toMatch(/^kopia_backup_last_success_timestamp_seconds 1000$/m);
  expect(text.match(/^# HELP kopia_mover_last_run_exit_code /gm)).toHaveLength(1);
  await writeRun({ kopia_backup_last_success_timestamp_seconds: 2000 });
  expect(readFileSync(file, "utf8").match(/last_success_timestamp_seconds \d+/g)).toEqual([
    "last_success_timestamp_seconds 2000",
  ]);
});

test("nothing is taken over from a file that is torn or another program's", async () => {
  writeFileSync(
    file,
    "# HELP other_metric x\nother_metric 1\n# HELP kopia_backup_files x\nkopia_ba",
  );
  await writeRun({ kopia_mover_last_run_exit_code: 0 });
  const text = readFileSync(file, "utf8");
  expect(text).not.toContain("other_metric");
  expect(text).not.toContain("kopia_ba");
});

test("a place that cannot be written is a warning", async () => {
  await writeRun({ kopia_mover_last_run_exit_code: 0 }, { KOPIA_METRICS_FILE: "/nowhere/x.prom" });
  expect(lines.join()).toContain("Metrics were not written to /nowhere/x.prom");
});

test("a push gateway keeps what a run does not name, in a group of the direction", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume().on("end", () => response.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  await writeRun({}, { KOPIA_METRICS_PUSH_URL: url, KOPIA_METRICS_INSTANCE: "a/b" });
  server.close();
  expect(asked).toEqual(["POST /metrics/job/kopia-mover/instance/a%2Fb/direction/backup"]);
});
