import { errorMessage } from "@kopia-engine/kopia-format";
import {
  executeHistoryStep,
  formatSource,
  planHistory,
  type Source,
} from "@kopia-engine/snapshotter";
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
import { withWriteSession } from "../../session/open-session.ts";
import { sourceArgument } from "../../session/source-argument.ts";

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
          const source = sourceArgument(context, repository, words.source);
          const destination =
            words.destination === undefined
              ? here
              : sourceArgument(context, repository, words.destination);
          let steps;
          try {
            steps = await planHistory(manifests, { source, destination });
          } catch (error) {
            throw new CommandError(errorMessage(error), { cause: error });
          }
          for (const step of steps) {
            const { snapshot, destination: target, exists } = step;
            const time = `(${timestamp(context, snapshot.startTime)})`;
            context.log.info(
              exists
                ? `${formatSource(target)} ${time} already exists`
                : `${verb}${flags.dryRun ? " (dry run)" : ""} ${formatSource(snapshot.source)} ${time} => ${formatSource(target)}`,
            );
            if (!flags.dryRun) await executeHistoryStep(manifests, step, { move });
          }
        },
        { afterwards: maintainAfterwards },
      );
    },
  });
}
