import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { METRICS } from "./metric-names.ts";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
const RULES = `${ROOT}/deploy/prometheus/kopia-rules.yaml`;
const DASHBOARD = `${ROOT}/deploy/grafana/kopia-dashboard.json`;
const hasPromtool = spawnSync("promtool", ["--version"], { stdio: "ignore" }).status === 0;

/** Metric names in expressions. */
function namesIn(path: string): string[] {
  const lines = readFileSync(path, "utf8").split("\n");
  const expressions = lines.filter((line) => /\bexpr"?:/.test(line)).join("\n");
  return [...new Set(expressions.match(/\bkopia_[a-z_]+/g) ?? [])];
}

test("docs/MOVER.md lists every metric with its meaning, and no other", () => {
  const text = readFileSync(`${ROOT}/docs/MOVER.md`, "utf8");
  const listed = [...text.matchAll(/^\| `(kopia_[a-z_]+)` \| (.*) \|$/gm)].map((match) => [
    match[1],
    match[2],
  ]);
  expect(listed).toEqual(Object.entries(METRICS).map(([name, { help }]) => [name, help]));
});

test("the rules use only metrics that exist", () => {
  expect(namesIn(RULES).filter((name) => !(name in METRICS))).toEqual([]);
});

test("every alert is tested with a case in which it fires", () => {
  const alerts = [...readFileSync(RULES, "utf8").matchAll(/- alert: (\w+)/g)].map(
    ([, name]) => name,
  );
  const tests = readFileSync(`${ROOT}/deploy/prometheus/kopia-rules.test.yaml`, "utf8");
  const firing = [...tests.matchAll(/alertname: (\w+)\n *eval_time: .*\n *exp_alerts:\n/g)];
  expect(new Set(firing.map(([, name]) => name))).toEqual(new Set(alerts));
});

test("the dashboard shows every metric", () => {
  expect(namesIn(DASHBOARD).toSorted()).toEqual(Object.keys(METRICS).toSorted());
});

describe.skipIf(!hasPromtool)("promtool (Debian package prometheus)", () => {
  test("checks the rules", () => {
    const run = spawnSync("promtool", ["check", "rules", RULES], { encoding: "utf8" });
    expect(run.stdout + run.stderr).toContain("SUCCESS");
    expect(run.status).toBe(0);
  });

  test("runs the rules' own tests", () => {
    const run = spawnSync("promtool", ["test", "rules", "kopia-rules.test.yaml"], {
      cwd: `${ROOT}/deploy/prometheus`,
      encoding: "utf8",
    });
    expect(run.stdout + run.stderr).toContain("SUCCESS");
    expect(run.status).toBe(0);
  });

  test("takes what the mover writes", async () => {
    const { JobMetrics } = await import("./job-metrics.ts");
    const { encodeOpenMetrics } = await import("@kopia-engine/kopia-format");
    const metrics = new JobMetrics();
    for (const name of Object.keys(METRICS))
      metrics.set(name as keyof typeof METRICS, 1.5, { source: 'a"b@c:/d' });
    const run = spawnSync("promtool", ["check", "metrics"], {
      encoding: "utf8",
      input: encodeOpenMetrics(metrics.families(), "prometheus"),
    });
    expect(run.stderr).toBe("");
    expect(run.status).toBe(0);
  });
});
