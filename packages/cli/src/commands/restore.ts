import { resolve } from "node:path";
import { NS_PER_MS, errorMessage, isKopiaError, type Repository } from "@kopia-engine/kopia-format";
import {
  archiveFormatOf,
  createArchiveOutput,
  createLocalOutput,
  formatSource,
  isPlaceholderPath,
  openLocalPlaceholder,
  removeLocalPlaceholder,
  resolveRestoreSource,
  restoreTree,
  type ArchiveFormat,
  type DirectoryEntry,
  type LocalPlaceholder,
  type ResolvedObject,
  type RestoreOutput,
  type RestoreStats,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { paceOf } from "../output/time-left.ts";
import { timestamp } from "../output/timestamps.ts";
import { defineCommand, remainingArguments } from "../parser/command.ts";
import { entryPhrase } from "../session/kopia-phrases.ts";
import { withRepository } from "../session/open-session.ts";
import { sourceProblem } from "../session/source-argument.ts";
import { restoreFlags, type RestoreFlagValues } from "./restore-flags.ts";

const ARCHIVE_NAMES: Readonly<Record<ArchiveFormat, string>> = {
  zip: "a zip",
  "zip-nocompress": "a zip",
  tar: "an uncompressed tar",
  tgz: "a tar+gzip",
};

/** `restore` and `snapshot restore` (spec 2 §10, spec 3 §6.7). */
export const command = defineCommand({
  flags: restoreFlags,
  arguments: {
    words: remainingArguments("sources", "What to restore, then where to", { required: true }),
  },
  async run(context, { flags, arguments: { words } }) {
    await withRepository(context, async (repository) => {
      if (words.length > 0 && words.every(isPlaceholderPath)) {
        await expandPlaceholders(context, repository, { flags, paths: words });
        return;
      }
      const { source, targetPath } = readArguments(context, words);
      const format = archiveFormat(flags.mode, targetPath);
      if (format !== undefined && flags.shallow !== undefined)
        throw new CommandError("--shallow is for directories: an archive has no placeholders");
      // Only what the name decided is told.
      if (flags.mode === "auto")
        context.log.info(
          format === undefined
            ? `Restoring to local filesystem (${targetPath}) with parallelism=${flags.parallel}...`
            : `Restoring to ${ARCHIVE_NAMES[format]} file (${targetPath})...`,
        );
      const resolved = await resolveSource(context, repository, { flags, source });
      const output =
        format === undefined
          ? createLocalOutput({ targetPath, ...flags })
          : createArchiveOutput(targetPath, format);
      const stats = await restore(context, repository, { flags, output, entry: resolved.entry });
      context.log.endProgress();
      context.log.info(`${describeStats(context, stats)}.\n`);
    });
  },
});

function readArguments(
  context: CommandContext,
  words: readonly string[],
): { readonly source: string; readonly targetPath: string } {
  const [source, target = source] = words;
  if (
    words.length > 2 ||
    words.some(isPlaceholderPath) ||
    source === undefined ||
    target === undefined
  ) {
    throw new CommandError(
      "unable to initialize output: restore requires a source and targetpath or placeholders",
    );
  }
  return { source, targetPath: resolve(context.io.cwd, target) };
}

/** Puts real files and directories in the place of placeholders (spec 2 §10.1, §10.7). */
async function expandPlaceholders(
  context: CommandContext,
  repository: Repository,
  input: { readonly flags: RestoreFlagValues; readonly paths: readonly string[] },
): Promise<void> {
  const { mode } = input.flags;
  if (mode !== "auto" && mode !== "local")
    throw new CommandError("placeholder expansion is only relevant to filesystem output");
  const flags = { ...input.flags, shallow: input.flags.shallow ?? 0 };
  for (const path of input.paths) {
    const placeholder = openPlaceholder(resolve(context.io.cwd, path));
    const { entry, targetPath } = placeholder;
    context.log.info(
      `Restoring to local filesystem (${targetPath}) with parallelism=${flags.parallel}...`,
    );
    const output = createLocalOutput({ targetPath, ...flags });
    const stats = await restore(context, repository, { flags, output, entry });
    // With errors ignored it stays: it is the only way to what is missing.
    if (stats.ignoredErrorCount === 0) removeLocalPlaceholder(placeholder);
    context.log.endProgress();
    context.log.info(`${describeStats(context, stats)}.\n`);
  }
}

function openPlaceholder(path: string): LocalPlaceholder {
  try {
    return openLocalPlaceholder(path);
  } catch (error) {
    throw new CommandError(
      `placeholder can't be reified: unable to get filesystem entry for placeholder ${JSON.stringify(path)}: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}

/** `--mode`, or with `auto` the target's name (spec 2 §10.1). */
function archiveFormat(mode: string, targetPath: string): ArchiveFormat | undefined {
  if (mode === "auto") return archiveFormatOf(targetPath);
  return mode === "local" ? undefined : (mode as ArchiveFormat);
}

async function resolveSource(
  context: CommandContext,
  repository: Repository,
  input: { readonly flags: RestoreFlagValues; readonly source: string },
): Promise<ResolvedObject> {
  const { flags, source } = input;
  const { username, hostname } = repository.client;
  let resolved: ResolvedObject;
  try {
    resolved = await resolveRestoreSource(repository, source, {
      context: { userName: username, host: hostname, workingDirectory: context.io.cwd },
      snapshotTime: flags.snapshotTime,
      consistentAttributes: flags.consistentAttributes,
      nowMs: Number(repository.clock.now() / NS_PER_MS),
    });
  } catch (error) {
    throw new CommandError(sourcePhrase(error, source, flags.snapshotTime), { cause: error });
  }
  if (resolved.foundIn !== undefined) tellSnapshot(context, resolved);
  return resolved;
}

function sourcePhrase(error: unknown, source: string, snapshotTime: string): string {
  if (isKopiaError(error, "SNAPSHOT_NOT_FOUND")) return `no snapshots contain data for ${source}`;
  if (isKopiaError(error, "ARGUMENT_INVALID")) return `Invalid time spec: ${snapshotTime}`;
  if (isKopiaError(error, "SOURCE_INVALID"))
    return `invalid directory: '${source}': ${sourceProblem(source)}`;
  return `unable to get filesystem entry: ${entryPhrase(error)}`;
}

/** Kopia's words for what stands where something is to be restored. */
function failurePhrase(error: unknown): string {
  if (!isKopiaError(error, "RESTORE_TARGET")) return errorMessage(error);
  const { path, problem, isRoot } = error.details;
  const place = JSON.stringify(path);
  const copying = isRoot === true ? "error copying: " : "";
  const directory = `${copying}create directory: error creating directory: `;
  switch (problem) {
    case "exists already":
      return `copy file: error creating file: unable to create ${place}, it already exists`;
    case "is a directory":
      return `copy file: error creating file: open ${String(path)}: is a directory`;
    case "exists and is not empty":
      return `${directory}non-empty directory already exists, not overwriting it: ${place}`;
    case "is not a directory":
      return `${directory}unable to create directory, ${place} already exists and it is not a directory`;
    default:
      return error.message;
  }
}

function tellSnapshot(context: CommandContext, { foundIn, entry }: ResolvedObject): void {
  if (foundIn === undefined) return;
  const { log } = context;
  const { snapshot, path } = foundIn;
  log.info("Restoring from");
  log.info(`   Snapshot source: ${formatSource(snapshot.source)}`);
  log.info(`   Snapshot time: ${timestamp(context, snapshot.startTime)}`);
  log.info(`   Relative path: ${path.join("/")}`);
  log.info(`   Object ID: ${entry.objectId}`);
}

async function restore(
  context: CommandContext,
  repository: Repository,
  input: {
    readonly flags: RestoreFlagValues;
    readonly entry: DirectoryEntry;
    readonly output: RestoreOutput;
  },
): Promise<RestoreStats> {
  const { flags, output, entry } = input;
  const { shallow, shallowMinsize = 0 } = flags;
  const { log } = context;
  const startTime = repository.clock.now();
  let toldAt = 0n;
  const show = (stats: RestoreStats): void =>
    log.progress(describeProgress(context, stats, repository.clock.now() - startTime));
  try {
    const restored = await restoreTree({
      repository,
      entry,
      ...(shallow === undefined
        ? {}
        : { shallow: { depth: shallow, minSizeBytes: shallowMinsize } }),
      output,
      ignoreErrors: flags.ignoreErrors,
      threads: { threads: flags.parallel },
      signal: context.io.signal,
      observer: {
        progress(stats) {
          if (!log.showsProgress) return;
          const now = repository.clock.now();
          if (now - toldAt < BigInt(context.globals.progressUpdateInterval)) return;
          toldAt = now;
          show(stats);
        },
        failed: ({ path, error }) => log.error(`ignored error ${failurePhrase(error)} on ${path}`),
        warning: ({ path, error }) => log.warning(`${path}: ${errorMessage(error)}`),
      },
    });
    show(restored);
    return restored;
  } catch (error) {
    throw new CommandError(`error restoring: restore error: ${failurePhrase(error)}`, {
      cause: error,
    });
  } finally {
    await output.close();
  }
}

function describeStats({ formatBytes }: CommandContext, stats: RestoreStats): string {
  const parts = [
    `Restored ${stats.restoredFileCount} files, ${stats.restoredDirectoryCount} directories and ` +
      `${stats.restoredSymlinkCount} symbolic links (${formatBytes(stats.restoredBytes)})`,
  ];
  if (stats.skippedCount > 0)
    parts.push(`skipped ${stats.skippedCount} (${formatBytes(stats.skippedBytes)})`);
  if (stats.deletedDirectoryCount > 0)
    parts.push(`deleted directories ${stats.deletedDirectoryCount}`);
  if (stats.deletedFileCount > 0) parts.push(`deleted files ${stats.deletedFileCount}`);
  if (stats.deletedSymlinkCount > 0)
    parts.push(`deleted symbolic links ${stats.deletedSymlinkCount}`);
  if (stats.ignoredErrorCount > 0) parts.push(`ignored ${stats.ignoredErrorCount} errors`);
  return parts.join(", ");
}

function describeProgress(
  { formatBytes }: CommandContext,
  stats: RestoreStats,
  elapsedNs: bigint,
): string {
  const done = stats.restoredFileCount + stats.restoredDirectoryCount + stats.restoredSymlinkCount;
  const { restoredBytes, enqueuedBytes } = stats;
  const pace = paceOf({
    elapsedNs,
    doneBytes: restoredBytes,
    totalBytes: enqueuedBytes,
  });
  const ahead =
    pace === undefined
      ? ""
      : ` ${formatBytes(Math.trunc(pace.bytesPerSecond))}/s (${pace.percent.toFixed(1)}%) remaining ${pace.timeLeft}`;
  return (
    `Processed ${done} (${formatBytes(restoredBytes)}) of ` +
    `${stats.enqueuedCount} (${formatBytes(enqueuedBytes)})${ahead}.`
  );
}
