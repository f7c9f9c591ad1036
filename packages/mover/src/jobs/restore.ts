import { spawnSync } from "node:child_process";
import { KopiaError, type Repository } from "@kopia-engine/kopia-format";
import {
  type SnapshotManifest,
  type Source,
  createLocalOutput,
  formatSource,
  listSnapshots,
  restoreTree,
  sourcesEqual,
} from "@kopia-engine/snapshotter";
import { connect } from "../connect/connect-or-create.ts";
import type { MoverEnvironment } from "../environment/environment.ts";
import { readRestoreArguments } from "../environment/snapshot-arguments.ts";
import { isGuarded } from "../guard/shrink-guard.ts";
import { sourceOf } from "./backup.ts";
import { describeFailure, explain } from "../log/explain.ts";
import { printDiscovery, printDiscoveryAfterFailure } from "./discovery.ts";
import { JOB_SUCCEEDED, type JobContext, type JobResult } from "./job-context.ts";
import { withJobStatus } from "./job-status.ts";
import { type Selected, selectSnapshot } from "./select-snapshot.ts";

/** What stands beside the cause in the operator's last kilobyte: the phrases of a failure. */
const PHRASES_BYTES = 140;

/**
 * Restores the wanted snapshot of exactly this identity into the data directory (spec 4 §2.8).
 * Nothing found is a success that says so: a first installation starts with an empty volume; with
 * `KOPIA_RESTORE_REQUIRED` it is a failure.
 * @throws KopiaError of connecting, reading and writing.
 */
export async function runRestore(job: MoverEnvironment, context: JobContext): Promise<JobResult> {
  const { log } = context;
  // Refused before anything is touched.
  const args = readRestoreArguments(job.additionalArguments);
  await using repository = await connect(job, context, { readOnly: true });
  if (repository === undefined) {
    log.warn(`There is no repository at ${job.repositoryPath} yet`);
    return nothingToRestore(job, context);
  }
  const source = sourceOf(job, repository);
  const all = await listSnapshots(repository.manifests);
  try {
    return await restoreFrom(all, { job, args, context, repository, source });
  } catch (error) {
    if (context.signal.aborted || !job.restore.discover) throw error;
    const cause = describeFailure(error);
    log.error("Failed to restore snapshot");
    explain(error, log);
    printDiscoveryAfterFailure(all, Buffer.byteLength(cause) + PHRASES_BYTES, log);
    return { exitCode: 1, succeeded: false };
  }
}

interface RestoreRun {
  readonly job: MoverEnvironment;
  readonly args: ReturnType<typeof readRestoreArguments>;
  readonly context: JobContext;
  readonly repository: Repository;
  readonly source: Source;
}

async function restoreFrom(
  all: readonly SnapshotManifest[],
  { job, args, context, repository, source }: RestoreRun,
): Promise<JobResult> {
  const { log } = context;
  const selected = choose(all, job, formatSource(source), (snapshot) =>
    sourcesEqual(snapshot.source, source),
  );
  reportPassedOver(selected, context);
  const entry = selected.snapshot?.rootEntry;
  if (selected.snapshot === undefined || entry === undefined) {
    log.warn(`No whole snapshot of ${formatSource(source)}`);
    const result = nothingToRestore(job, context);
    if (job.restore.discover) printDiscovery(all, formatSource(source), log);
    return result;
  }
  const { id } = selected.snapshot;
  log.info(`Selected snapshot with id: ${id}`);
  try {
    const stats = await withJobStatus(job, context, () =>
      restoreTree({
        repository,
        entry,
        output: createLocalOutput({
          targetPath: job.dataDirectory,
          writeFilesAtomically: true,
          ...args,
          deleteExtra: args.deleteExtra || job.restore.deleteExtra,
          // Made by the volume's file system, not by its owner (spec 4 §2.8 step 2).
          sparedNames: ["lost+found"],
        }),
        ignoreErrors: args.ignoreErrors,
        signal: context.signal,
        observer: {
          progress: context.progressed,
          warning: ({ path, error }) => log.warn(`${path}: ${error.message}`),
          failed: ({ path, error }) => log.error(`${path}: ${error.message}`),
        },
      }),
    );
    log.info(
      `Restored ${stats.restoredFileCount} files, ${stats.restoredDirectoryCount} directories and ` +
        `${stats.restoredSymlinkCount} symbolic links (${stats.restoredBytes} bytes)`,
    );
    context.metrics.restore(source, stats);
  } catch (error) {
    log.error(`Failed to restore snapshot: ${id}`);
    throw error;
  }
  syncFileSystem(job.dataDirectory, context);
  log.info("Snapshot restore completed successfully");
  return JOB_SUCCEEDED;
}

function choose(
  all: readonly SnapshotManifest[],
  job: MoverEnvironment,
  wanted: string,
  isOwn: (snapshot: SnapshotManifest) => boolean,
): Selected {
  const { snapshotId } = job.restore;
  if (snapshotId === undefined) return selectSnapshot(all.filter(isOwn), job.restore);
  const snapshot = all.find(({ id }) => id === snapshotId);
  if (snapshot === undefined)
    throw new KopiaError(
      "SNAPSHOT_NOT_FOUND",
      `KOPIA_RESTORE_SNAPSHOT_ID=${snapshotId} is not in the repository; ${wanted} has ${all.filter(isOwn).length} snapshots`,
    );
  return { snapshot, passedOver: [], candidates: [snapshot] };
}

function reportPassedOver({ passedOver }: Selected, { log }: JobContext): void {
  for (const snapshot of passedOver)
    log.warn(
      isGuarded(snapshot)
        ? `Snapshot ${snapshot.id} is not used: the shrink guard marked it (KOPIA_RESTORE_GUARDED=true allows it)`
        : `Snapshot ${snapshot.id} is not used: it is incomplete (${snapshot.incompleteReason})`,
    );
}

function nothingToRestore(job: MoverEnvironment, { log }: JobContext): JobResult {
  log.plain("No eligible snapshots found");
  log.plain("=== No data will be restored ===");
  if (!job.restore.required) return JOB_SUCCEEDED;
  log.error("Failed: KOPIA_RESTORE_REQUIRED is set and nothing was found to restore");
  return { exitCode: 1, succeeded: false };
}

/** What was restored must outlive a node that dies right after the Job's success (spec 4 §2.8 step 9). */
function syncFileSystem(directory: string, { log }: JobContext): void {
  const done = spawnSync("sync", ["-f", directory], { stdio: "ignore", timeout: 300_000 });
  if (done.status !== 0) log.warn(`${directory} could not be synchronised to its disk`);
}
