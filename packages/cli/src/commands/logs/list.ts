import { NS_PER_SECOND, formatGoDuration } from "@kopia-engine/kopia-format";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand } from "../../parser/command.ts";
import { withRepository } from "../../session/open-session.ts";
import { chooseLogSessions, criteriaFlags } from "./criteria.ts";

/** `logs list`: ID, start, duration, size and segments of each log in the repository (spec 3 §4). */
export const command = defineCommand({
  flags: criteriaFlags,
  arguments: {},
  async run(context, { flags }) {
    await withRepository(context, async (repository) => {
      const { out, formatBytes } = context;
      const { sessions, totalCount } = await chooseLogSessions(context, repository, flags);
      for (const { id, startSeconds, endSeconds, totalBytes, segments } of sessions) {
        const start = timestamp(context, BigInt(startSeconds) * NS_PER_SECOND);
        const duration = formatGoDuration(BigInt(endSeconds - startSeconds) * NS_PER_SECOND);
        out.line(`${id} ${start} ${duration} ${formatBytes(totalBytes)} ${segments.length}`);
      }
      if (sessions.length < totalCount && !flags.all)
        context.log.info(
          `NOTE: Listed ${sessions.length}/${totalCount} log sessions, pass --all to show all.`,
        );
    });
  },
});
