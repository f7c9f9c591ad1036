import { tryLockFile } from "@kopia-engine/kopia-format";
import { runMaintenance, type Safety } from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag, textFlag } from "../../parser/flag.ts";
import { connectionPath, withRepository } from "../../session/open-session.ts";

/** `maintenance run` (spec 3 §1.4, §1.16): whatever the schedule says. */
export const command = defineCommand({
  flags: {
    full: booleanFlag("full", { help: "Full maintenance" }),
    force: booleanFlag("force", { help: "Run it as another than the owner", hidden: true }),
    safety: textFlag("safety", { help: "Safety margins: full or none", default: "full" }),
    dryRun: booleanFlag("dry-run", { help: "Say what would be done, change nothing" }),
    allowLargeDeletion: booleanFlag("allow-large-deletion", {
      help: "Allow more than a fifth of the live data to be marked deleted at once",
    }),
  },
  arguments: {},
  async run(context, { flags }) {
    const { safety, full, force, dryRun, allowLargeDeletion } = flags;
    if (safety !== "full" && safety !== "none") {
      throw new CommandError(`enum value must be one of none,full, got '${safety}'`);
    }
    const lockPath = `${connectionPath(context)}.mlock`;
    await withRepository(context, async (repository) => {
      await runMaintenance({
        repository,
        mode: full ? "full" : "quick",
        safety: safety satisfies Safety,
        force,
        dryRun,
        allowLargeDeletion,
        lock: () => Promise.resolve(tryLockFile(lockPath)),
        onMessage: (message) => context.log.info(message),
      });
    });
  },
});
