import {
  NS_PER_SECOND,
  createEpochMaintenance,
  createV0IndexMaintenance,
} from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag, countFlag, durationFlag, listFlag } from "../../parser/flag.ts";
import { contentIdProblem } from "../../session/id-phrases.ts";
import { withRepository } from "../../session/open-session.ts";
import { repositoryCrypto } from "../../session/repository-crypto.ts";
import { requireDangerous } from "../../session/require-dangerous.ts";

/**
 * `index optimize`: compacts index blobs of the older scheme; with epochs, the next epoch that nobody writes
 * into any more (spec 1 §8.3, §8.4.6).
 */
export const command = defineCommand({
  flags: {
    maxSmallBlobs: countFlag("max-small-blobs", {
      help: "Small index blobs that may remain",
      default: 1,
    }),
    dropDeletedOlderThan: durationFlag("drop-deleted-older-than", {
      help: "Forget contents that were deleted longer ago",
    }),
    dropContents: listFlag("drop-contents", { help: "Forget these contents (older scheme only)" }),
    all: booleanFlag("all", { help: "Index blobs of every size" }),
  },
  arguments: {},
  async run(context, { flags }) {
    requireDangerous(context);
    context.io.endOnInterrupt?.();
    for (const id of flags.dropContents) {
      const problem = contentIdProblem(id);
      if (problem !== undefined) throw new CommandError(`error parsing content ID: ${problem}`);
    }
    await withRepository(
      context,
      async (repository) => {
        if (repository.client.readOnly) {
          throw new CommandError("the repository is connected read-only");
        }
        const { storage, format, clock, random } = repository;
        const options = { storage, format, ...(await repositoryCrypto(repository)), clock, random };
        const { dropDeletedOlderThan: ageNs } = flags;
        const dropSeconds =
          ageNs === undefined ? undefined : Number((clock.now() - BigInt(ageNs)) / NS_PER_SECOND);
        const epochs = createEpochMaintenance(options);
        if (epochs !== undefined) {
          if (flags.dropContents.length > 0) {
            context.log.warning("--drop-contents has no effect in repositories with epochs");
          }
          await epochs.compactSingleEpoch();
          if (dropSeconds !== undefined) await epochs.advanceWatermark(dropSeconds);
          return;
        }
        await createV0IndexMaintenance(options)?.compact({
          maxSmallBlobs: flags.maxSmallBlobs,
          allIndexes: flags.all,
          dropContents: new Set(flags.dropContents),
          ...(dropSeconds !== undefined && { dropDeletedBeforeSeconds: dropSeconds }),
        });
      },
      { useCache: false },
    );
  },
});
