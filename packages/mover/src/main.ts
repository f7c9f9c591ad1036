import { localTimeZone } from "@kopia-engine/kopia-format";
import { createMoverLog } from "./mover-log.ts";
import { runMover } from "./run-mover.ts";

/** The process edge: the only place of the mover that touches arguments, environment, streams and signals. */
const termination = new AbortController();
process.once("SIGTERM", () => {
  process.stdout.write("WARN: Received SIGTERM signal - pod is being terminated\n");
  termination.abort(new Error("terminated by SIGTERM"));
});
process.exitCode = await runMover(process.argv.slice(2), {
  log: createMoverLog(
    (line) => process.stdout.write(`${line}\n`),
    (line) => process.stderr.write(`${line}\n`),
  ),
  env: process.env,
  signal: termination.signal,
  timeZone: localTimeZone(),
});
