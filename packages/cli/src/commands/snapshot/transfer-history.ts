import { errorMessage, isKopiaError } from "@kopia-engine/kopia-format";
import {
  executeHistoryStep,
  formatSource,
  parseSource,
  planHistory,
  type Source,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { timestamp } from "../../output/timestamps.ts";
import {
  type Command,
  defineCommand,
  optionalArgument,
  requiredArgument,
} from "../../parser/command.ts";
import { booleanFlag } from "../../parser/flag.ts";
import { maintainAfterwards } from "../../session/auto-maintenance.ts";
import { IN_WRITE_SESSION, withWriteSession } from "../../session/open-session.ts";
import { sourceProblem } from "../../session/source-argument.ts";

/** `snapshot copy-history` and `move-history` (spec 2 §9.11). */
export function historyCommand({ move }: { readonly move: boolean }): Command {
  const verb = move ? "moving" : "copying";
  return defineCommand({
    flags: { dryRun: booleanFlag("dry-run", { short: "n", help: "Only say what would happen" }) },
    arguments: {
      source: requiredArgument("source", "user@host or user@host:path"),
      destination: optionalArgument("destination", "Default: this user and host"),
    },
    async run(context, { flags, arguments: words }) {
      await withWriteSession(
        context,
        async (session) => {
          const { manifests, repository } = session;
          const { username, hostname } = repository.client;
          const here: Source = { userName: username, host: hostname, path: "" };
          const end = (text: string, name: string): Source =>
            historyEnd(context, here, { text, name });
          const source = end(words.source, "source");
          const destination =
            words.destination === undefined ? here : end(words.destination, "destination");
          let steps;
          try {
            steps = await planHistory(manifests, { source, destination });
          } catch (error) {
            throw new CommandError(refusalPhrase(error), { cause: error });
          }
          for (const step of steps) {
            const { snapshot, destination: target, exists } = step;
            const deletes = move && !flags.dryRun ? " - deleting source" : "";
            const time = `(${timestamp(context, snapshot.startTime)})`;
            context.log.info(
              exists
                ? `${formatSource(target)} ${time} already exists${deletes}`
                : `${verb}${flags.dryRun ? " (dry run)" : ""} ${formatSource(snapshot.source)} ${time} => ${formatSource(target)}`,
            );
            if (!flags.dryRun) await executeHistoryStep(manifests, step, { move });
          }
        },
        { errorPrefix: IN_WRITE_SESSION, afterwards: maintainAfterwards, onlyTells: flags.dryRun },
      );
    },
  });
}

/** Kopia's words for what would make histories fall together. */
function refusalPhrase(error: unknown): string {
  if (!isKopiaError(error, "ARGUMENT_INVALID")) return errorMessage(error);
  const part = error.details["part"] === "path" ? "path" : "username";
  return `${part} specified on destination but not source`;
}

function historyEnd(
  { io }: CommandContext,
  { userName, host }: Source,
  { text, name }: { readonly text: string; readonly name: string },
): Source {
  try {
    return parseSource(text, { userName, host, workingDirectory: io.cwd });
  } catch (error) {
    throw new CommandError(`invalid ${name}: ${sourceProblem(text)}`, {
      cause: error,
    });
  }
}
