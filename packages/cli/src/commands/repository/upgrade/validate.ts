import { errorMessage, isKopiaError, validateUpgrade } from "@kopia-engine/kopia-format";
import { CommandError } from "../../../command-error.ts";
import { defineCommand } from "../../../parser/command.ts";
import { withFormatAccess } from "../../../session/format-access.ts";
import { requireUpgradeGate } from "./upgrade-gate.ts";

/** `repository upgrade validate`: is every entry of the old index in the new one? */
export const command = defineCommand({
  flags: {},
  arguments: {},
  async run(context) {
    requireUpgradeGate(context);
    await withFormatAccess(context, async ({ storage, access }) => {
      const { log } = context;
      try {
        const { oldBlobCount, missing, missingCount } = await validateUpgrade(storage, access);
        if (oldBlobCount === 0) {
          log.info("old index is empty (possibly due to upgrade), nothing to compare against");
          return;
        }
        for (const id of missing)
          log.error(`lop-sided index entry: ${id} is only in the old index`);
        if (missingCount > 0) {
          throw new CommandError(
            `index validation failed: the upgraded index lacks ${missingCount} entries of the old one\n` +
              "  what to do: run `repository upgrade begin` again, which brings them in",
          );
        }
        log.info("index validation succeeded");
      } catch (error) {
        if (!isKopiaError(error, "FORMAT_UNSUPPORTED")) throw error;
        const text = `failed to list index blobs for new index. upgrade may have failed.: error getting index set: ${errorMessage(error)}`;
        throw new CommandError(text, { cause: error });
      }
    });
  },
});
