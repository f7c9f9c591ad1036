import { errorMessage, isKopiaError } from "@kopia-engine/kopia-format";
import { recoverIndex } from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag, countFlag, listFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";
import { requireDangerous } from "../../session/require-dangerous.ts";

/** Index blobs of the older scheme, which alone `--delete-indexes` removes (spec 3 §3.4). */
const OLD_INDEX_PREFIX = "n";

/** `index recover`: puts index entries back that packs still hold (spec 3 §3.4). Opens around damaged index blobs. */
export const command = defineCommand({
  flags: {
    blobPrefixes: listFlag("blob-prefixes", { help: "Beginnings of names of packs to look into" }),
    blobs: listFlag("blobs", { help: "Packs to look into; default: all" }),
    parallel: countFlag("parallel", { help: "Packs read at once", default: 1 }),
    ignoreErrors: booleanFlag("ignore-errors", { help: "Go on after a pack that cannot be read" }),
    deleteIndexes: booleanFlag("delete-indexes", {
      help: "Delete the index blobs of the older scheme first; only with --commit",
    }),
    commit: booleanFlag("commit", { help: "Write the entries; otherwise they are counted" }),
  },
  arguments: {},
  async run(context, { flags }) {
    requireDangerous(context);
    const { log, io } = context;
    await withRepository(
      context,
      async (repository) => {
        if (flags.deleteIndexes) {
          for await (const { id } of repository.storage.list(OLD_INDEX_PREFIX)) {
            if (flags.commit) await repository.storage.delete(id);
            else log.info(`would delete old index: ${id} (pass --commit to approve)`);
          }
        }
        let failedPack = "";
        try {
          const result = await recoverIndex({
            repository,
            packs: flags.blobs,
            prefixes: flags.blobPrefixes,
            parallel: flags.parallel,
            commit: flags.commit,
            signal: io.signal,
            onProblem: (packId, error) => {
              if (!flags.ignoreErrors) {
                failedPack = packId;
                throw error;
              }
              log.warning(`pack ${packId} is left out: ${error.message}`);
            },
          });
          describe(log, result, flags.commit);
        } catch (error) {
          if (failedPack === "" || !isKopiaError(error)) throw error;
          log.error("No contents recovered.");
          const reason =
            error.code === "BLOB_NOT_FOUND"
              ? `error getting blob ${failedPack}: BLOB not found`
              : errorMessage(error);
          throw new CommandError(
            `error recovering index from ${failedPack}: unable to recover index from ${failedPack}: ${reason}`,
            { cause: error },
          );
        }
      },
      { toleratesDamagedIndex: true, useCache: false },
    );
  },
});

function describe(
  log: { info(message: string): void },
  result: Awaited<ReturnType<typeof recoverIndex>>,
  isCommitted: boolean,
): void {
  const { packCount, entryCount, missingCount, written } = result;
  if (entryCount === 0) log.info("No contents recovered.");
  else if (isCommitted) {
    log.info(`Recovered ${entryCount} contents from ${packCount}.`);
    log.info(
      missingCount === 0
        ? "The index has all of them already; nothing was written."
        : `${missingCount} of them were not in the index; wrote ${written.map(({ id }) => id).join(", ")}.`,
    );
  } else {
    log.info(
      `Found ${entryCount} contents to recover from ${packCount} blobs, but not committed. Re-run with --commit`,
    );
    log.info(`${missingCount} of them are not in the index.`);
  }
}
