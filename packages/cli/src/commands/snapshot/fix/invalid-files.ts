import { systemRandom } from "@kopia-engine/kopia-format";
import {
  ObjectChecker,
  invalidFilesRules,
  type InvalidDirectoryHandling,
  type InvalidFileHandling,
} from "@kopia-engine/snapshotter";
import { defineCommand } from "../../../parser/command.ts";
import { choiceFlag, floatFlag } from "../../../parser/flag.ts";
import { fixFlags, runFix } from "./run-fix.ts";

/** `snapshot fix invalid-files` (spec 3 §3.3): what cannot be read is replaced, removed or kept. */
export const command = defineCommand({
  flags: {
    ...fixFlags,
    invalidFiles: choiceFlag("invalid-file-handling", {
      help: "What becomes of files that cannot be read",
      choices: ["fail", "stub", "keep", "remove"],
      default: "stub",
    }),
    verifyFilesPercent: floatFlag("verify-files-percent", {
      help: "Share of files to read completely, in percent",
      default: 0,
    }),
  },
  arguments: {},
  async run(context, { flags }) {
    const { log, io } = context;
    await runFix(context, flags, async ({ objects, repository }) => {
      log.info("Listing blobs...");
      const { contents, storage } = repository;
      const checker = await ObjectChecker.create({ objects, contents, storage });
      log.info(`Listed ${checker.blobCount} blobs.`);
      return invalidFilesRules({
        checker,
        objects,
        invalidFiles: flags.invalidFiles as InvalidFileHandling,
        invalidDirectories: flags.invalidDirectories as InvalidDirectoryHandling,
        verifyFilesPercent: flags.verifyFilesPercent,
        random: io.random ?? systemRandom,
        onInvalid: (path, reason) => log.info(`removing invalid file ${path} due to: ${reason}`),
      });
    });
  },
});
