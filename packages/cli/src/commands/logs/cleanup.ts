import { LOG_BLOB_PREFIX, collectAsync, systemClock } from "@kopia-engine/kopia-format";
import { chooseLogs } from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag, durationFlag, integerFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";

const BYTES_PER_MB = 1_000_000;

/** `logs cleanup`: deletes logs in the repository beyond the limits, the oldest first. */
export const command = defineCommand({
  flags: {
    maxAge: durationFlag("max-age", { help: "How long logs are kept", default: "720h" }),
    maxCount: integerFlag("max-count", { help: "Logs that are kept", default: 10_000 }),
    maxTotalSizeMb: integerFlag("max-total-size-mb", {
      help: "Size of all logs that are kept",
      default: 1024,
    }),
    dryRun: booleanFlag("dry-run", { help: "Only say what would be deleted" }),
  },
  arguments: {},
  async run(context, { flags }) {
    await withRepository(context, async ({ storage, client }) => {
      const { log, io } = context;
      const logs = await collectAsync(storage.list(LOG_BLOB_PREFIX));
      const { toDelete } = chooseLogs(
        logs,
        {
          maxTotalSizeBytes: flags.maxTotalSizeMb * BYTES_PER_MB,
          maxCount: flags.maxCount,
          maxAgeNs: flags.maxAge,
        },
        (io.clock ?? systemClock).now(),
      );
      if (toDelete.length === 0) log.info("No logs found to delete.");
      else if (flags.dryRun) log.info(`Would delete ${toDelete.length} logs.`);
      else {
        if (client.readOnly) throw new CommandError("unable to delete logs: storage is read-only");
        for (const { id } of toDelete) await storage.delete(id);
        log.info(`Deleted ${toDelete.length} logs.`);
      }
    });
  },
});
