import { errorMessage, goStringify, type Repository } from "@kopia-engine/kopia-format";
import {
  compareTrees,
  resolveObjectPath,
  type DiffAttribute,
  type DiffObserver,
  type DiffPair,
  type DirectoryEntry,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { fileModeText } from "../output/file-mode.ts";
import { goTimeText } from "../output/timestamps.ts";
import { defineCommand, requiredArgument } from "../parser/command.ts";
import { booleanFlag, textFlag } from "../parser/flag.ts";
import { entryPhrase } from "../session/kopia-phrases.ts";
import { withRepository } from "../session/open-session.ts";
import { FileDiffer } from "./diff-files.ts";

/** `diff` (spec 3 §6.10): two directories of the repository, and a line of JSON with the counts. */
export const command = defineCommand({
  flags: {
    files: booleanFlag("files", { short: "f", help: "Run a command on each pair of files" }),
    statsOnly: booleanFlag("stats-only", { help: "Only the counts" }),
    diffCommand: textFlag("diff-command", {
      help: "The command for --files",
      default: "diff -u",
      env: "KOPIA_DIFF",
    }),
  },
  arguments: {
    first: requiredArgument("object-path1", "First object, with a path inside"),
    second: requiredArgument("object-path2", "Second object, with a path inside"),
  },
  async run(context, { flags, arguments: words }) {
    await withRepository(context, async (repository) => {
      const first = await openEntry(repository, words.first);
      const second = await openEntry(repository, words.second);
      if ((first.type === "d") !== (second.type === "d"))
        throw new CommandError(
          "arguments to diff must both be directories or both non-directories",
        );
      using differ = new FileDiffer(context, repository.objects, flags.diffCommand);
      const observer = flags.statsOnly
        ? {}
        : tellingObserver(context, flags.files ? differ : undefined);
      let stats;
      try {
        stats = await compareTrees({
          objects: repository.objects,
          first,
          second,
          observer,
          signal: context.io.signal,
        });
      } catch (error) {
        throw new CommandError(`error comparing: ${errorMessage(error)}`, { cause: error });
      }
      context.out.write(
        goStringify({
          fileEntries: { ...stats.fileEntries },
          directoryEntries: { ...stats.directoryEntries },
        }),
      );
    });
  },
});

async function openEntry(repository: Repository, path: string): Promise<DirectoryEntry> {
  try {
    const { entry, path: inside } = await resolveObjectPath(repository, path);
    // The size of a root is known from some snapshots and not from others.
    return entry.type === "d" && inside.length === 0 ? { ...entry, sizeBytes: 0n } : entry;
  } catch (error) {
    throw new CommandError(`error getting filesystem entry for ${path}: ${entryPhrase(error)}`, {
      cause: error,
    });
  }
}

function tellingObserver({ out }: CommandContext, differ: FileDiffer | undefined): DiffObserver {
  const kind = (entry: DirectoryEntry): string => (entry.type === "d" ? "directory" : "file");
  const size = (entry: DirectoryEntry): string =>
    entry.type === "d" ? "" : ` (${entry.sizeBytes} bytes)`;
  return {
    attribute: (path, attribute, { first, second }) =>
      out.line(
        `${path} ${attribute} differ: ${attributeText(attribute, first)} ${attributeText(attribute, second)}`,
      ),
    added: async (path, entry) => {
      out.line(`added ${kind(entry)} ${path}${size(entry)}`);
      if (entry.type === "f") await differ?.compare(path, { second: entry });
    },
    removed: async (path, entry) => {
      out.line(`removed ${kind(entry)} ${path}${size(entry)}`);
      if (entry.type === "f") await differ?.compare(path, { first: entry });
    },
    changed: async (path, pair: DiffPair) => {
      const { first, second } = pair;
      out.line(
        `changed ${path} at ${goTimeText(second.modTime)} (size ${first.sizeBytes} -> ${second.sizeBytes})`,
      );
      await differ?.compare(path, pair);
    },
    changedType: (path, { first }) =>
      out.line(
        first.type === "d"
          ? `changed ${path} from directory to non-directory`
          : `changed ${path} from non-directory to a directory`,
      ),
  };
}

function attributeText(attribute: DiffAttribute, entry: DirectoryEntry): string {
  switch (attribute) {
    case "modes":
      return fileModeText(entry);
    case "sizes":
      return String(entry.sizeBytes);
    case "modification times":
      return goTimeText(entry.modTime);
    case "owner users":
      return String(entry.uid);
    case "owner groups":
      return String(entry.gid);
  }
}
