import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { booleanFlag } from "../../parser/flag.ts";
import { CommandError } from "../../command-error.ts";
import { withRepository } from "../../session/open-session.ts";
import { requireDangerous } from "../../session/require-dangerous.ts";

/** `blob delete`: removes blobs, whatever they are. A blob that is not there is no error, as in Kopia. */
export const command = defineCommand({
  flags: { dryRun: booleanFlag("dry-run", { help: "Say what would be deleted, delete nothing" }) },
  arguments: { ids: remainingArguments("blobIDs", "Names of blobs", { required: true }) },
  async run(context, { flags, arguments: { ids } }) {
    requireDangerous(context);
    const options = { toleratesDamagedIndex: true, useCache: false };
    await withRepository(
      context,
      async (repository) => {
        if (repository.client.readOnly) {
          throw new CommandError("the repository is connected read-only");
        }
        const inUse = new Set(
          flags.dryRun
            ? [...repository.contents.contents({ includeDeleted: true })].map((e) => e.packBlobId)
            : [],
        );
        for (const id of ids) {
          if (!flags.dryRun) await repository.storage.delete(id);
          else
            context.log.info(
              `Would delete ${id}${inUse.has(id) ? ", which holds contents that are in the index" : ""}`,
            );
        }
      },
      options,
    );
  },
});
