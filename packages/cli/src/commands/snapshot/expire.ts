import { localTimeZone } from "@kopia-engine/kopia-format";
import {
  executeExpire,
  formatSource,
  listSources,
  planSourceExpire,
  type Source,
} from "@kopia-engine/snapshotter";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { booleanFlag } from "../../parser/flag.ts";
import { maintainAfterwards } from "../../session/auto-maintenance.ts";
import { IN_WRITE_SESSION, withWriteSession } from "../../session/open-session.ts";
import { sourceArgument } from "../../session/source-argument.ts";

/** `snapshot expire` (spec 2 §9.5): without `--delete` it only says what would go. */
export const command = defineCommand({
  flags: {
    all: booleanFlag("all", { help: "All sources" }),
    delete: booleanFlag("delete", { help: "Really delete" }),
  },
  arguments: { paths: remainingArguments("path", "Sources") },
  async run(context, { flags, arguments: { paths } }) {
    await withWriteSession(
      context,
      async (session) => {
        const { manifests, repository } = session;
        const sources: readonly Source[] = flags.all
          ? await listSources(manifests)
          : paths.map((path) =>
              sourceArgument(
                context,
                repository,
                path,
                (problem) => `unable to parse ${JSON.stringify(path)}: ${problem}`,
              ),
            );
        const byName = sources.toSorted((a, b) => (formatSource(a) < formatSource(b) ? -1 : 1));
        for (const source of byName) {
          const plan = await planSourceExpire(manifests, source, localTimeZone());
          const count = plan.deleted.length;
          const name = formatSource(source);
          if (count === 0) context.log.info(`Nothing to delete for ${name}.`);
          else if (flags.delete) {
            context.log.info(`Deleted ${count} snapshots of ${name}...`);
            await executeExpire(manifests, plan);
          } else
            context.log.info(
              `${count} snapshot(s) of ${name} would be deleted. Pass --delete to do it.`,
            );
        }
      },
      { errorPrefix: IN_WRITE_SESSION, afterwards: maintainAfterwards, onlyTells: !flags.delete },
    );
  },
});
