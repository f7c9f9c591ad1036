import { isKopiaError, type Repository } from "@kopia-engine/kopia-format";
import {
  compareUtf8,
  readDirectoryForRestore,
  resolveObjectPath,
  type DirectoryEntry,
  type DirectorySummary,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { fileModeText } from "../output/file-mode.ts";
import { timestamp } from "../output/timestamps.ts";
import { defineCommand, requiredArgument } from "../parser/command.ts";
import { booleanFlag, type FlagValues } from "../parser/flag.ts";
import { entryPhrase } from "../session/kopia-phrases.ts";
import { withRepository } from "../session/open-session.ts";

const SIZE_WIDTH = 12;
const OBJECT_ID_WIDTH = 34;

const flags = {
  long: booleanFlag("long", { short: "l", help: "Mode, size, time and object of each entry" }),
  human: booleanFlag("human-readable", { short: "h", help: "Sizes for people" }),
  recursive: booleanFlag("recursive", { short: "r", help: "Sub-directories too" }),
  showObjectId: booleanFlag("show-object-id", { short: "o", help: "Object IDs" }),
  errorSummary: booleanFlag("error-summary", {
    help: "Tell what could not be stored",
    default: true,
  }),
};

/** `list` (spec 2 §9.13); entries in the order of their names, where Kopia's order changes. */
export const command = defineCommand({
  flags,
  arguments: { path: requiredArgument("object-path", "Snapshot or object, with a path inside") },
  async run(context, { flags: values, arguments: { path } }) {
    await withRepository(context, async (repository) => {
      const root = await openDirectory(repository, path);
      const lister = new Lister(context, repository, values);
      // Names start with the path that was given, except in long lists.
      const prefix = values.recursive && !values.long ? `${path.replace(/\/+$/, "")}/` : "";
      await lister.list(root, prefix);
    });
  },
});

async function openDirectory(repository: Repository, path: string): Promise<DirectoryEntry> {
  let entry: DirectoryEntry;
  try {
    ({ entry } = await resolveObjectPath(repository, path));
  } catch (error) {
    const isMissing = isKopiaError(error, "OBJECT_NOT_FOUND") && !("path" in error.details);
    const phrase = isMissing ? `${path} is not a directory object` : entryPhrase(error);
    throw new CommandError(`unable to get filesystem directory entry: ${phrase}`, { cause: error });
  }
  if (entry.type === "d") return entry;
  throw new CommandError(
    `unable to get filesystem directory entry: ${path} is not a directory object`,
  );
}

class Lister {
  readonly #context: CommandContext;
  readonly #repository: Repository;
  readonly #flags: FlagValues<typeof flags>;

  constructor(context: CommandContext, repository: Repository, values: FlagValues<typeof flags>) {
    this.#context = context;
    this.#repository = repository;
    this.#flags = values;
  }

  /** Prints a directory, its sub-directories after themselves, then what could not be stored of it. */
  async list(directory: DirectoryEntry, prefix: string): Promise<void> {
    const listing = await readDirectoryForRestore(this.#repository.objects, directory.objectId);
    for (const entry of listing.entries.toSorted((a, b) => compareUtf8(a.name, b.name))) {
      this.#print(entry, prefix);
      await this.#context.out.settle();
      if (this.#flags.recursive && entry.type === "d")
        await this.list(entry, `${prefix}${entry.name}/`);
    }
    if (this.#flags.errorSummary && listing.summary !== undefined)
      await tellErrors(this.#context, listing.summary);
  }

  #print(entry: DirectoryEntry, prefix: string): void {
    const { long, recursive, showObjectId, human } = this.#flags;
    const slash = entry.type === "d" && (long || recursive) ? "/" : "";
    const errorCount = this.#flags.errorSummary ? (entry.summary?.fatalErrorCount ?? 0) : 0;
    const errors = errorCount > 0 ? ` (${errorCount} errors)` : "";
    const name = `${prefix}${entry.name}${slash}${errors}`;
    const objectId = entry.objectId.padEnd(OBJECT_ID_WIDTH);
    const { out, style, formatBytes } = this.#context;
    let line = showObjectId ? `${objectId} ${name}` : name;
    if (long) {
      const size = human ? formatBytes(entry.sizeBytes) : String(entry.sizeBytes);
      const time = timestamp(this.#context, entry.modTime);
      const columns = `${fileModeText(entry)} ${size.padStart(SIZE_WIDTH)} ${time} ${objectId}`;
      line = `${columns} ${name}`;
    }
    out.line(errorCount > 0 ? style.error(line) : line);
  }
}

async function tellErrors(context: CommandContext, summary: DirectorySummary): Promise<void> {
  if (summary.fatalErrorCount === 0) return;
  const { log, out, style } = context;
  // Both go to one terminal: the entries first.
  await out.flush();
  const note = `NOTE: Encountered ${summary.fatalErrorCount} errors while snapshotting this directory:`;
  log.text(style.error(`\n${note}\n\n`));
  for (const { path, error } of summary.failedEntries)
    log.text(style.error(`- Error in ${JSON.stringify(path)}: ${error}\n`));
}
