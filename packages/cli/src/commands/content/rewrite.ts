import { isKopiaError } from "@kopia-engine/kopia-format";
import { executeContentRewrite, planContentRewrite } from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { booleanFlag, countFlag, textFlag } from "../../parser/flag.ts";
import { contentIdProblem } from "../../session/id-phrases.ts";
import { withRepository } from "../../session/open-session.ts";
import { requireDangerous } from "../../session/require-dangerous.ts";
import { safetyFlag } from "../safety-flag.ts";
import { contentRange, rangeFlags } from "./content-range.ts";

/** `content rewrite`: writes contents again into new packs (spec 3 §6.9). */
export const command = defineCommand({
  flags: {
    parallelism: countFlag("parallelism", { help: "Accepted, without effect", default: 16 }),
    short: booleanFlag("short", { help: "Contents of short packs" }),
    formatVersion: countFlag("format-version", {
      help: "Contents of this format version",
      default: -1,
    }),
    packPrefix: textFlag("pack-prefix", { help: "Only from packs whose name begins so" }),
    dryRun: booleanFlag("dry-run", {
      short: "n",
      help: "Say what would be written, write nothing",
    }),
    safety: safetyFlag,
    ...rangeFlags,
  },
  arguments: { contentIds: remainingArguments("contentID", "Contents to write again") },
  async run(context, { flags, arguments: { contentIds } }) {
    requireDangerous(context);
    context.io.endOnInterrupt?.();
    for (const id of contentIds) {
      const problem = contentIdProblem(id);
      if (problem !== undefined) throw new CommandError(`error parsing content ID: ${problem}`);
    }
    const { safety } = flags;
    const range = contentRange(flags);
    await withRepository(context, async (repository) => {
      const plan = planContentRewrite(repository, {
        contentIds,
        shortPacks: flags.short,
        safety,
        ...(flags.formatVersion >= 0 && { formatVersion: flags.formatVersion }),
        ...(flags.packPrefix !== undefined && { packPrefix: flags.packPrefix }),
        ...(range !== undefined && { range }),
      });
      if (flags.dryRun) {
        const size = context.formatBytes(plan.packedBytes);
        context.log.info(
          `Would rewrite ${plan.contentIds.size} contents (${size}), ${plan.retainedCount} are too young`,
        );
        for (const id of plan.contentIds) context.log.debug(`would rewrite ${id}`);
        return;
      }
      try {
        await executeContentRewrite(repository, plan);
      } catch (error) {
        const failedCount = isKopiaError(error) ? error.details["failedCount"] : undefined;
        if (failedCount === undefined) throw error;
        const message = `error rewriting contents: failed to rewrite ${String(failedCount)} contents`;
        throw new CommandError(message, { cause: error });
      }
    });
  },
});
