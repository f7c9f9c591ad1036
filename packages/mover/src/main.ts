import { createMoverLog } from "./log/mover-log.ts";
import { secretsOf } from "./log/environment-block.ts";

/**
 * The process edge: the only place of the mover that touches arguments, environment, streams
 * and signals. It imports next to nothing, so that the first line is out and SIGTERM is heard before the rest of the
 * program is loaded.
 */
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
  now: () => new Date().toISOString(),
});
const termination = new AbortController();
process.once("SIGTERM", () => {
  log.warn("Received SIGTERM signal - pod is being terminated");
  termination.abort(new Error("terminated by SIGTERM"));
});
log.plain("Starting kopia mover container");
log.plain("");

const { runMoverProcess } = await import("./mover-process.ts");
const { signal } = termination;
process.exitCode = await runMoverProcess(process.argv.slice(2), { log, env, signal, lastLines });
