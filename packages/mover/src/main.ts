import { formatGoTime, localTimeZone, systemClock } from "@kopia-engine/kopia-format";
import { debugSession } from "./debug-session.ts";
import { secretsOf } from "./log/environment-block.ts";
import { createMoverLog } from "./log/mover-log.ts";
import { writeTerminationMessage } from "./log/termination-message.ts";
import { JobMetrics } from "./metrics/job-metrics.ts";
import { writeMetrics } from "./metrics/write-metrics.ts";
import { directionOf, runMover } from "./run-mover.ts";

/** The process edge: the only place of the mover that touches arguments, environment, streams and signals. */
const { env } = process;
const KEPT_LINES = 40;
const lastLines: string[] = [];
const keep = (stream: NodeJS.WriteStream) => (line: string) => {
  stream.write(`${line}\n`);
  lastLines.push(line);
  if (lastLines.length > KEPT_LINES) lastLines.shift();
};
const log = createMoverLog({
  stdout: keep(process.stdout),
  stderr: keep(process.stderr),
  format: env["KOPIA_LOG_FORMAT"] === "json" ? "json" : "text",
  debug: env["KOPIA_FILE_LOG_LEVEL"] === "debug",
  secrets: secretsOf(env),
  now: () => formatGoTime(systemClock.now()),
});
const termination = new AbortController();
process.once("SIGTERM", () => {
  log.warn("Received SIGTERM signal - pod is being terminated");
  termination.abort(new Error("terminated by SIGTERM"));
});
const { signal } = termination;

if (env["DEBUG_MOVER"] === "1") {
  await debugSession({ log, clock: systemClock, signal });
} else {
  const metrics = new JobMetrics();
  const args = process.argv.slice(2);
  process.exitCode = await runMover(args, {
    log,
    env,
    signal,
    metrics,
    clock: systemClock,
    timeZone: localTimeZone(),
    version: env["version"] ?? "unknown",
  });
  writeTerminationMessage(env["KOPIA_TERMINATION_LOG"] ?? "/dev/termination-log", lastLines);
  await writeMetrics(metrics.families(), env, { log, direction: directionOf(args, env) });
}
