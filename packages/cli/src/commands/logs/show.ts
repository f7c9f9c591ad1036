import { NS_PER_SECOND, readLogSession } from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { withRepository } from "../../session/open-session.ts";
import { chooseLogSessions, criteriaFlags } from "./criteria.ts";

/** `logs show`: the lines of logs in the repository; without any choice those of the last one. */
export const command = defineCommand({
  flags: criteriaFlags,
  arguments: { sessions: remainingArguments("session-id", "Logs as `logs list` names them") },
  async run(context, { flags, arguments: { sessions: ids } }) {
    await withRepository(context, async (repository) => {
      const { out, log } = context;
      const found = (await chooseLogSessions(context, repository, flags)).sessions;
      const unknown = ids.find((id) => !found.some((session) => session.id === id));
      let chosen = ids.length === 0 ? found : found.filter(({ id }) => ids.includes(id));
      if (chosen.length === 0 || unknown !== undefined) {
        throw new CommandError(
          unknown === undefined
            ? "no logs found"
            : `no logs found\n  cause: there is no log ${JSON.stringify(unknown)} among those chosen`,
        );
      }
      const isChosen =
        flags.all || [flags.latest, flags.youngerThan, flags.olderThan].some(Boolean);
      const last = chosen.at(-1);
      if (!isChosen && ids.length === 0) chosen = chosen.slice(-1);
      if (!isChosen && chosen.length === 1 && last !== undefined) {
        const start = timestamp(context, BigInt(last.startSeconds) * NS_PER_SECOND);
        log.info(`Showing the latest log (${start})`);
      }
      for (const session of chosen) {
        for await (const text of readLogSession(repository, session)) {
          out.write(text);
          await out.settle();
        }
      }
    });
  },
});
