import { errorMessage, rollbackUpgrade } from "@kopia-engine/kopia-format";
import { CommandError } from "../../../command-error.ts";
import { defineCommand } from "../../../parser/command.ts";
import { booleanFlag } from "../../../parser/flag.ts";
import { withFormatAccess } from "../../../session/format-access.ts";
import { upgradeOwnerId } from "../../../session/upgrade-waiting.ts";
import { requireUpgradeGate } from "./upgrade-gate.ts";

/** `repository upgrade rollback`: the format from before an upgrade that has not been committed (spec 1 §2.6). */
export const command = defineCommand({
  flags: {
    force: booleanFlag("force", { help: "Really undo the upgrade" }),
  },
  arguments: {},
  async run(context, { flags }) {
    requireUpgradeGate(context);
    if (!flags.force) {
      throw new CommandError(
        "repository upgrade lock can only be revoked unsafely; please use the --force flag",
      );
    }
    const ownerId = upgradeOwnerId(context);
    await withFormatAccess(context, async ({ storage, access }) => {
      try {
        await rollbackUpgrade(storage, { ...access, ownerId });
      } catch (error) {
        const text = `failed to rollback the upgrade: ${errorMessage(error)}`;
        throw new CommandError(text, { cause: error });
      }
    });
    context.log.info("Repository upgrade lock has been revoked.");
  },
});
