import { bytesFormatter } from "./output/sizes.ts";
import { commandTree } from "./commands/tree.ts";
import { createLog, type LogLevel } from "./output/log.ts";
import { describeError } from "./output/describe-error.ts";
import { globalFlags, type GlobalOptions } from "./global-flags.ts";
import { CommandError } from "./command-error.ts";
import { TextOutput } from "./output/text-output.ts";
import { timeZoneOption } from "./output/time-zone.ts";
import { UsageError } from "./parser/usage-error.ts";
import { VERSION_TEXT } from "./version.ts";
import {
  givenUnavailableFlag,
  parseCommandLine,
  type ParsedCommand,
  type ParsedCommandLine,
} from "./parser/parse-command-line.ts";
import type { CliIo } from "./cli-io.ts";

/**
 * Runs one command line. Everything it prints goes to `io`; it never ends the process and never throws
 * for a failed command.
 * @param argv the words after the program's name.
 * @returns the exit code: 0 for success, 1 for any failure (spec 3 §6.1), and what `doctor` says of its own.
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  const out = new TextOutput(io.stdout);
  let parsed: ParsedCommandLine;
  try {
    parsed = await parseCommandLine({ argv, root: commandTree, globalFlags, env: io.env });
    if (parsed.kind === "command") return await runCommand(parsed, { io, out });
    if (parsed.kind === "unavailable") throw unavailable(`kopia ${parsed.path.join(" ")}`);
    if (parsed.kind === "version") out.line(VERSION_TEXT);
    else await (await import("./parser/help.ts")).printHelp(out, parsed);
    await out.flush();
    return 0;
  } catch (error) {
    await out.flush();
    await io.stderr.write(`${failureLines(error).join("\n")}\n`);
    return 1;
  }
}

async function runCommand(
  parsed: ParsedCommand,
  edge: { readonly io: CliIo; readonly out: TextOutput },
): Promise<number> {
  const { io, out } = edge;
  const globals = parsed.flagSet.values(globalFlags, io.env) as GlobalOptions;
  const missing = givenUnavailableFlag(parsed, globalFlags);
  if (missing !== undefined) throw unavailable(`flag --${missing.name}`);
  const log = createLog({
    sink: io.stderr,
    level: globals.logLevel as LogLevel,
    progress: globals.progress ?? true,
  });
  try {
    await parsed.command.run(
      {
        io,
        globals,
        out,
        log,
        formatBytes: bytesFormatter(io.env),
        timeZone: timeZoneOption(globals.timezone),
      },
      parsed.flags,
      parsed.arguments,
    );
    await out.flush();
    return 0;
  } catch (error) {
    await out.flush();
    for (const line of failureLines(error)) log.error(line);
    return error instanceof CommandError ? error.exitCode : 1;
  } finally {
    log.endProgress();
    await log.flush();
  }
}

function failureLines(error: unknown): readonly string[] {
  if (error instanceof UsageError) return [`kopia: error: ${error.message}, try --help`];
  return describeError(error);
}

function unavailable(what: string): CommandError {
  return new CommandError(
    `${what} is not available in this program yet; use the original Kopia for it`,
  );
}
