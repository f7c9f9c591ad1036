import { executeBlobCollection, planBlobCollection } from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { countFlag, textFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";
import { requireDangerous } from "../../session/require-dangerous.ts";
import { safetyFlag } from "../safety-flag.ts";

/** `blob gc`: deletes packs and session markers that nothing needs, by the margins of maintenance. */
export const command = defineCommand({
  flags: {
    delete: textFlag("delete", { help: "`yes` deletes; otherwise it is only counted" }),
    parallel: countFlag("parallel", { help: "Accepted, without effect", default: 16 }),
    prefix: textFlag("prefix", { help: "Only blobs whose name begins so" }),
    safety: safetyFlag,
  },
  arguments: {},
  async run(context, { flags }) {
    requireDangerous(context);
    context.io.endOnInterrupt?.();
    const { safety } = flags;
    await withRepository(
      context,
      async (repository) => {
        if (repository.client.readOnly) {
          throw new CommandError("the repository is connected read-only");
        }
        const { prefix } = flags;
        const plan = await planBlobCollection(repository, {
          safety,
          ...(prefix !== undefined && { prefix }),
        });
        if (flags.delete === "yes") {
          await executeBlobCollection(repository, plan);
          return;
        }
        if (plan.toDelete.length === 0) return;
        for (const { id, lengthBytes } of plan.toDelete) {
          context.log.debug(`would delete ${id} (${context.formatBytes(lengthBytes)})`);
        }
        context.log.info("Pass --delete=yes to delete.");
      },
      { useCache: false },
    );
  },
});
