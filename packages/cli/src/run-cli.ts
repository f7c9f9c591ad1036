import { bytesFormatter } from "./output/sizes.ts";
import { commandTree } from "./commands/tree.ts";
import { consoleFormatter } from "./output/console-format.ts";
import { createLog, type Log, type LogLevel } from "./output/log.ts";
import { createStyle } from "./output/style.ts";
import type { Observability } from "./observability/observe-command.ts";
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
    if (argv[0]?.startsWith("--completion-") === true && (await complete(argv, out))) return 0;
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

/** Answers a shell that completes a command line. @returns false for another flag of that kind. */
async function complete(argv: readonly string[], out: TextOutput): Promise<boolean> {
  const [flag = "", ...words] = argv;
  if (flag === "--completion-bash") {
    const { completions } = await import("./parser/complete.ts");
    for (const word of await completions({ words, root: commandTree, globalFlags })) out.line(word);
    await out.flush();
    return true;
  }
  const { COMPLETION_SHELLS, completionScript } = await import("./parser/completion-scripts.ts");
  const shell = COMPLETION_SHELLS.find((name) => flag === `--completion-script-${name}`);
  if (shell === undefined) return false;
  out.write(completionScript(shell));
  await out.flush();
  return true;
}

async function runCommand(
  parsed: ParsedCommand,
  edge: { readonly io: CliIo; readonly out: TextOutput },
): Promise<number> {
  const { io, out } = edge;
  const globals = parsed.flagSet.values(globalFlags, io.env) as GlobalOptions;
  const missing = givenUnavailableFlag(parsed, globalFlags);
  if (missing !== undefined) throw unavailable(`flag --${missing.name}`, missing.help);
  const log = commandLog(globals, io);
  let observability: Observability | undefined;
  try {
    const { observeCommand } = await import("./observability/observe-command.ts");
    observability = await observeCommand({ io, globals, log, path: parsed.path });
    await parsed.command.run(
      {
        io,
        globals,
        out,
        log,
        observability,
        style: createStyle({
          isTerminal: io.stdout.isTerminal,
          force: globals.forceColor,
          disable: globals.disableColor,
          env: io.env,
        }),
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
    logFailure(log, error);
    return error instanceof CommandError ? error.exitCode : 1;
  } finally {
    log.endProgress();
    await observability?.finish();
    await log.flush();
  }
}

function commandLog(globals: GlobalOptions, { stdout, stderr, clock }: CliIo): Log {
  return createLog({
    sink: stderr,
    level: globals.logLevel as LogLevel,
    progress: globals.progress ?? (stdout.isTerminal && stderr.isTerminal),
    json: globals.jsonLogConsole,
    format: consoleFormatter({
      json: globals.jsonLogConsole,
      timestamps: globals.consoleTimestamps,
      nowMs: () => (clock === undefined ? new Date().getTime() : Number(clock.now()) / 1e6),
    }),
  });
}

/** One JSON object for one failure; on a terminal one line for each thing there is to say. */
function logFailure(log: Log, error: unknown): void {
  const [first = "", ...more] = failureLines(error).flatMap((line) => line.split("\n"));
  if (!log.isJson) {
    for (const line of [first, ...more]) log.error(line);
    return;
  }
  const text = (label: string): string =>
    more
      .filter((line) => line.startsWith(`  ${label}: `))
      .map((line) => line.slice(label.length + 4))
      .join("; ");
  const [cause, advice] = [text("cause"), text("what to do")];
  log.error(first, {
    ...(cause === "" ? {} : { cause }),
    ...(advice === "" ? {} : { advice }),
  });
}

function failureLines(error: unknown): readonly string[] {
  if (error instanceof UsageError) return [`kopia: error: ${error.message}, try --help`];
  return describeError(error);
}

function unavailable(what: string, reason = ""): CommandError {
  const cause = reason === "" ? "" : `\n  cause: ${reason}`;
  return new CommandError(
    `${what} is not available in this program yet; use the original Kopia for it${cause}`,
  );
}
