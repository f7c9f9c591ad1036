import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type MetricFamily, encodeOpenMetrics, errorMessage } from "@kopia-engine/kopia-format";
import type { Environment } from "../environment/environment.ts";
import type { MoverLog } from "../log/mover-log.ts";

/** A push gateway that does not answer must not keep a Job. */
const PUSH_LIMIT_MS = 10_000;

/**
 * Writes the run's metrics where the Job asks for: `KOPIA_METRICS_FILE` (for the node exporter's textfile
 * collector: atomically, readable by all) and `KOPIA_METRICS_PUSH_URL` (a push gateway, grouped by
 * `job`, `instance` and `direction`). What this run did not measure stays as an earlier run left it: a backup
 * that fails must not take away the time of the last one that succeeded, of which its age is told.
 * Never fails a Job: problems are warnings.
 */
export async function writeMetrics(
  families: readonly MetricFamily[],
  env: Environment,
  { log, direction }: { readonly log: MoverLog; readonly direction: string },
): Promise<void> {
  const file = env["KOPIA_METRICS_FILE"] ?? "";
  const url = env["KOPIA_METRICS_PUSH_URL"] ?? "";
  if (file === "" && url === "") return;
  const text = encodeOpenMetrics(families, "prometheus");
  if (file !== "") writeTextfile(file, text, log);
  if (url !== "") await push(`${pushUrl(url, env)}/direction/${direction}`, text, log);
}

function writeTextfile(path: string, text: string, log: MoverLog): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text + familiesNotIn(text, path), { mode: 0o644 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    log.warn(`Metrics were not written to ${path}: ${errorMessage(error)}`);
  }
}

/** What an earlier run left in the file and this one has not measured again, family by family. */
function familiesNotIn(text: string, path: string): string {
  let earlier: string;
  try {
    earlier = readFileSync(path, "utf8");
  } catch {
    return "";
  }
  const families = earlier
    .split(/^(?=# HELP )/m)
    .filter((block) => block.startsWith("# HELP kopia_"));
  const nameOf = (block: string): string => block.split(" ")[2] ?? "";
  const kept = families.filter((block) => !text.includes(`# HELP ${nameOf(block)} `));
  // A torn file has no line end: what is left of its last line is no sample.
  return kept.filter((block) => block.endsWith("\n")).join("");
}

/** Address of the group of this Job, without its direction. */
function pushUrl(base: string, env: Environment): string {
  const instance =
    env["KOPIA_METRICS_INSTANCE"] ??
    `${env["KOPIA_OVERRIDE_USERNAME"] ?? "mover"}@${env["KOPIA_OVERRIDE_HOSTNAME"] ?? "unknown"}`;
  const job = env["KOPIA_METRICS_JOB"] ?? "kopia-mover";
  const group = `metrics/job/${encodeURIComponent(job)}/instance/${encodeURIComponent(instance)}`;
  return `${base.replace(/\/+$/, "")}/${group}`;
}

async function push(url: string, text: string, log: MoverLog): Promise<void> {
  const place = new URL(url);
  try {
    const answer = await fetch(withoutCredentials(place), {
      // Replaces the metrics that it names; PUT would remove all others of the group.
      method: "POST",
      body: text,
      headers: { "content-type": "text/plain; version=0.0.4", ...authorization(place) },
      signal: AbortSignal.timeout(PUSH_LIMIT_MS),
    });
    if (!answer.ok) log.warn(`Metrics were not taken by ${place.host}: status ${answer.status}`);
  } catch (error) {
    log.warn(`Metrics were not pushed to ${place.host}: ${errorMessage(error)}`);
  }
}

function withoutCredentials(url: URL): URL {
  const plain = new URL(url);
  plain.username = "";
  plain.password = "";
  return plain;
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}
