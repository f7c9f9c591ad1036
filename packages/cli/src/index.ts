export type { CliIo, InputSource, OutputSink } from "./cli-io.ts";
export { processIo } from "./process-io.ts";
export { runCli } from "./run-cli.ts";
export { VERSION } from "./version.ts";
