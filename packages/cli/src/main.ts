import { processIo } from "./process-io.ts";
import { runCli } from "./run-cli.ts";

process.exitCode = await runCli(process.argv.slice(2), processIo());
// A pipe that is still open as standard input must not keep a finished program alive.
process.stdin.unref?.();
