import { errorMessage } from "@kopia-engine/kopia-format";
import {
  removeFilesRules,
  wildcardMatcher,
  type InvalidDirectoryHandling,
} from "@kopia-engine/snapshotter";
import { CommandError } from "../../../command-error.ts";
import { defineCommand } from "../../../parser/command.ts";
import { listFlag } from "../../../parser/flag.ts";
import { IN_WRITE_SESSION } from "../../../session/open-session.ts";
import { fixFlags, runFix } from "./run-fix.ts";

/** `snapshot fix remove-files` (spec 3 §3.3): takes files out of snapshots, by object ID or name. */
export const command = defineCommand({
  flags: {
    ...fixFlags,
    objectIds: listFlag("object-id", { help: "Object IDs of files to remove" }),
    filenames: listFlag("filename", { help: "Names of files to remove; * and ? stand for others" }),
  },
  arguments: {},
  async run(context, { flags }) {
    if (flags.objectIds.length + flags.filenames.length === 0) {
      throw new CommandError(`${IN_WRITE_SESSION}must specify files to remove`);
    }
    const matchers = flags.filenames.map(matcherOf);
    // oxlint-disable-next-line require-await -- the other fix looks at the storage first
    await runFix(context, flags, async () =>
      removeFilesRules({
        objectIds: new Set(flags.objectIds),
        matchesName: (name) => matchers.some((matches) => matches(name)),
        invalidDirectories: flags.invalidDirectories as InvalidDirectoryHandling,
        onRemove: (path) => context.log.info(`will remove file ${path}`),
      }),
    );
  },
});

function matcherOf(pattern: string): (name: string) => boolean {
  try {
    return wildcardMatcher(pattern);
  } catch (error) {
    throw new CommandError(`invalid --filename: ${errorMessage(error)}`, { cause: error });
  }
}
