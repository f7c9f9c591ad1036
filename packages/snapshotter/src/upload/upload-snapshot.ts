import { availableParallelism } from "node:os";
import { KopiaError, isKopiaError } from "@kopia-engine/kopia-format";
import { ListingError, readLocalNames } from "../fs/local-directory.ts";
import { LocalIgnoreFiles } from "../fs/local-ignore-files.ts";
import { isPlaceholder } from "../fs/placeholder.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { enterRoot } from "../policy/ignore-context.ts";
import { ActionError } from "./action-error.ts";
import { createAdaptiveExecutor } from "./adaptive-executor.ts";
import { type LocalSource, openLocalSource, unreadableSource } from "./local-source.ts";
import { storedRootOf } from "./take-placeholder.ts";
import { RootListingError, TreeUploader } from "./tree-uploader.ts";
import { DirectoryExaminer } from "./directory-examiner.ts";
import { type AwayDirectory, toDirectoryEntry } from "./directory-task.ts";
import type { UploadOptions } from "./upload-options.ts";
import type { UploadExecutor } from "./upload-executor.ts";
import { UploadRun } from "./upload-run.ts";

/**
 * Stores a directory tree, or a single file, and returns the manifest of the snapshot. The manifest
 * is **not saved**: `createSnapshot` adds description, tags and pins, saves it and applies retention.
 * Entries that could not be read are in `rootEntry.summary` (`fatalErrorCount`, `ignoredErrorCount`,
 * `failedEntries`) and in `stats`; they do not reject (spec 2 §7.8).
 * @throws KopiaError `SOURCE_UNREADABLE` when the source itself is missing, unreadable or of another
 * kind; `UPLOAD_FAILED` at the first fatal error with `failFast`; `IGNORE_PATTERN_INVALID` for the
 * root's rules; errors of the session.
 */
export async function uploadSnapshot(options: UploadOptions): Promise<SnapshotManifest> {
  const local = openLocalSource(options.localPath ?? options.source.path, options.source);
  const run = new UploadRun(options, options.failFast ?? false);
  const maxThreads = maxThreadsOf(options);
  const executor =
    options.executor ?? createAdaptiveExecutor({ session: options.session, maxThreads });
  run.watch(executor);
  const work = { options, run, local, executor, maxThreads };
  const rootEntry = await closeAfter(executor, () => {
    if (isPlaceholder(local.entry)) return storedRootOf(run, local);
    return local.entry.kind === "d" ? uploadTree(work) : uploadFile(work);
  });
  run.tellProgress(false);
  return run.manifestOf(rootEntry);
}

/** Limits are kept to the byte only where one thread counts. */
function maxThreadsOf(options: UploadOptions): number {
  const { policyTree, parallelFileReads, uploadLimitBytes = 0 } = options;
  if (uploadLimitBytes > 0) return 1;
  const wanted = parallelFileReads ?? policyTree.policy.upload.maxParallelFileReads;
  return Math.min(wanted ?? MAX_THREADS, availableParallelism(), MAX_THREADS);
}

/** Compares directories with the previous snapshot; by threads, where it has so many files that these are worth their start. */
async function openExaminer({
  options,
  maxThreads,
}: UploadWork): Promise<DirectoryExaminer<AwayDirectory> | undefined> {
  const [previous] = options.previousSnapshots ?? [];
  if (previous === undefined) return undefined;
  const { fileCount = 0 } = previous.rootEntry?.summary ?? {};
  const threads = fileCount < FILES_BEFORE_THREADS ? 1 : maxThreads;
  const { examineThreads } = options;
  return await DirectoryExaminer.open(options.session.repository, {
    threads,
    jobsBeforeThreads: 0,
    ...examineThreads,
  });
}

/** Closes the executor in any case; its failure counts unless there was one before. */
async function closeAfter<T>(executor: UploadExecutor, upload: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await upload();
  } catch (error) {
    await executor.close?.().catch(() => undefined);
    throw error;
  }
  await executor.close?.();
  return result;
}

/** Each takes memory of its own, and more than there are cores help little. */
const MAX_THREADS = 4;
const FILES_BEFORE_THREADS = 10_000;

interface UploadWork {
  readonly options: UploadOptions;
  readonly run: UploadRun;
  readonly local: LocalSource;
  readonly executor: UploadExecutor;
  readonly maxThreads: number;
}

async function uploadTree(work: UploadWork): Promise<DirectoryEntry> {
  const { options, run, local, executor } = work;
  const forceHashPercent = options.forceHashPercent ?? 0;
  const examiner = await openExaminer(work);
  const uploader = new TreeUploader({
    run,
    executor,
    sourcePath: local.path,
    forceHashPercent,
    examiner,
  });
  run.counters.directoryCount++;
  const node = options.policyTree;
  const { beforeSnapshotRoot: before, afterSnapshotRoot: after } = node.policy.actions;
  const pair = { before, after };
  const outer = run.openSpan({ scope: "snapshot-root", pair, sourcePath: local.path });
  const span = run.openFolderSpan(node, local.path);
  try {
    // Both may name another directory; the one nearer to the reading counts (spec 2 §7.9).
    const outerSubstitute = await outer?.enter();
    const { path, entry } = (await span?.enter()) ?? outerSubstitute ?? local;
    const names = readLocalNames(path);
    const files = new LocalIgnoreFiles(path, names);
    const ignore = enterRoot(node, files, { device: entry.device });
    const previous = await uploader.scanner.loadPrevious(previousRootIds(options));
    const base = { parent: undefined, local: entry, path, relativePath: "", node, ignore, span };
    return await uploader.upload(uploader.scanner.createTask({ ...base, previous, names }));
  } catch (error) {
    if (error instanceof ActionError) throw unreadableSource(local.path, error.reason);
    if (error instanceof ListingError || error instanceof RootListingError) {
      // Kopia prints only the last word of the root's error (spec 2 "Additions").
      throw unreadableSource(local.path, error.message.split(": ").at(-1) ?? error.message);
    }
    if (isKopiaError(error, "IGNORE_PATTERN_INVALID") && error.cause instanceof Error) {
      const { details, cause } = error;
      const text = `upload error: ${cause.message}`;
      throw new KopiaError("IGNORE_PATTERN_INVALID", text, { details, cause });
    }
    throw error;
  } finally {
    await span?.leave();
    await outer?.leave();
    await examiner?.close();
  }
}

function previousRootIds(options: UploadOptions): string[] {
  const ids = new Set<string>();
  for (const { rootEntry } of options.previousSnapshots ?? []) {
    if (rootEntry?.type === "d" && rootEntry.objectId !== "") ids.add(rootEntry.objectId);
  }
  return [...ids];
}

/**
 * A source that is a file: its entry is the root, and previous snapshots are not asked (spec 2 §7.2). As in Kopia it
 * counts as a file, but neither as cached nor as not cached.
 */
async function uploadFile({ options, run, local, executor }: UploadWork): Promise<DirectoryEntry> {
  const { path, entry } = local;
  const { policy } = options.policyTree;
  const settings = run.settings.forFile(policy, entry.name, entry.sizeBytes);
  run.readingCount++;
  const [result] = await executor.execute(
    {
      items: [{ path, kind: "file", sizeBytes: entry.sizeBytes, settings }],
      settings: run.settings.settings,
    },
    {
      readBytes: (lengthBytes) => run.countReadBytes(lengthBytes),
      pause: () => run.breathe(),
    },
  );
  if (result === undefined || "skipped" in result) {
    throw new KopiaError("UPLOAD_CANCELED", `upload of ${path} was stopped: ${run.stopReason}`);
  }
  if ("error" in result) {
    throw unreadableSource(path, result.error.split(": ").at(-1) ?? result.error);
  }
  run.counters.storedBytes += result.sizeBytes;
  run.counters.hashedFileCount += result.partCount;
  const stored = { objectId: result.objectId, sizeBytes: entry.sizeBytes };
  return {
    ...toDirectoryEntry(entry, stored),
    summary: {
      totalFileSizeBytes: BigInt(result.sizeBytes),
      fileCount: 1,
      symlinkCount: 0,
      directoryCount: 0,
      maxModTime: entry.modTime,
      fatalErrorCount: 0,
      ignoredErrorCount: 0,
      failedEntries: [],
    },
  };
}
