import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { runDemo } from "./run-demo.ts";

/** The process edge of the demo: arguments, temporary folder, exit code. */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    keep: { type: "boolean", default: true },
    "no-keep": { type: "boolean", default: false },
  },
});
const root = fileURLToPath(new URL("../../../..", import.meta.url));
const workDirectory = mkdtempSync(join(tmpdir(), "kopia-engine-demo-"));
const sources =
  positionals.length > 0
    ? positionals.map((path) => resolve(process.env["INIT_CWD"] ?? ".", path))
    : [join(root, "node_modules"), join(root, "packages"), join(root, "docs")];
const passed = await runDemo({
  workDirectory,
  sources,
  programs: join(root, "bin"),
  env: process.env,
  write: (line) => process.stdout.write(`${line}\n`),
});
if (values["no-keep"] || !values.keep) rmSync(workDirectory, { recursive: true, force: true });
process.exitCode = passed ? 0 : 1;
