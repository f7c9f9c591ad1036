import { systemRandom, verifyContents, type ContentProblem } from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag, countFlag, durationFlag, floatFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";
import { contentRange, rangeFlags } from "./content-range.ts";

/** `content verify`: every content must lie in a pack, and a share of them must be readable (spec 3 §3.1). */
export const command = defineCommand({
  flags: {
    parallel: countFlag("parallel", { help: "Accepted, without effect", default: 16 }),
    full: booleanFlag("full", { help: "Read everything" }),
    includeDeleted: booleanFlag("include-deleted", { help: "Deleted contents too" }),
    downloadPercent: floatFlag("download-percent", {
      help: "Share of contents to read, in percent",
    }),
    progressInterval: durationFlag("progress-interval", {
      help: "How often progress is told",
      default: "3s",
    }),
    ...rangeFlags,
  },
  arguments: {},
  async run(context, { flags }) {
    await withRepository(
      context,
      async (repository) => {
        const { log, io } = context;
        const range = contentRange(flags);
        const readPercent = flags.full ? 100 : (flags.downloadPercent ?? 0);
        // An index that is missing altogether would otherwise look like an empty, healthy repository.
        await repository.contents.assertIndexPresent();
        log.info("Listing blobs...");
        let toldAt = repository.clock.now();
        const result = await verifyContents(repository.contents, repository.storage, {
          readPercent,
          random: io.random ?? systemRandom,
          includeDeleted: flags.includeDeleted,
          signal: io.signal,
          ...(range === undefined ? {} : { range }),
          onBlobsListed: (count) => {
            log.info(`Listed ${count} blobs.`);
            log.info("Verifying contents...");
          },
          onProblem: (problem) => log.error(describeProblem(problem)),
          onProgress: ({ contentCount, readBytes }) => {
            const now = repository.clock.now();
            if (now - toldAt < BigInt(flags.progressInterval)) return;
            toldAt = now;
            log.info(`  Verified ${contentCount} contents, ${context.formatBytes(readBytes)} read`);
          },
        });
        log.info("Finished verifying contents");
        log.info(
          `verifyCounters:\t${JSON.stringify({
            verifiedContents: result.contentCount,
            totalErrorCount: result.errorCount,
            contentsInMissingPacks: result.missingPackContents,
            contentsInTruncatedPacks: result.truncatedPackContents,
            unreadableContents: result.unreadableContents,
            readContents: result.readCount,
            missingPacks: result.missingPacks.length,
            truncatedPacks: result.truncatedPacks.length,
            corruptedPacks: result.unreadablePacks.length,
          })}`,
        );
        const tellPacks = (kind: string, packs: readonly string[]): void => {
          for (const packID of packs) {
            const count = result.badContentsByPack.get(packID) ?? 0;
            log.error(`${kind}\t${JSON.stringify({ packID, numberOfReferencedContents: count })}`);
          }
        };
        tellPacks("missingPack", result.missingPacks);
        tellPacks("truncatedPack", result.truncatedPacks);
        tellPacks("corruptedPack", result.unreadablePacks);
        if (result.errorCount > 0) {
          throw new CommandError(
            `verify contents: encountered ${result.errorCount} errors: ${describeDamage(result)}`,
          );
        }
      },
      { useCache: false },
    );
  },
});

/** One line about a content, as Kopia words it. */
function describeProblem({ kind, entry, error }: ContentProblem): string {
  const { contentId, packBlobId } = entry;
  switch (kind) {
    case "missing-pack":
      return `content ${contentId} depends on missing blob ${packBlobId}`;
    case "truncated-pack":
      return `content ${contentId} out of bounds of its pack blob ${packBlobId}`;
    case "unreadable":
      return `content ${contentId} is invalid: ${error.message}`;
  }
}

/** Names the kinds that were met, where Kopia says "missing pack blobs" whatever it was. */
function describeDamage(result: {
  readonly missingPackContents: number;
  readonly truncatedPackContents: number;
  readonly unreadableContents: number;
}): string {
  const kinds = [
    result.missingPackContents > 0
      ? "the repository is corrupted, it is missing pack blobs with index-referenced content"
      : "",
    result.truncatedPackContents > 0 ? "the repository is corrupted, it has truncated packs" : "",
    result.unreadableContents > 0 ? "the repository is corrupted, it has unreadable contents" : "",
  ].filter((kind) => kind !== "");
  return `${kinds.join("; ")}\n  what to do: Run \`snapshot verify\` to see which files are affected. (CONTENT_CORRUPT)`;
}
