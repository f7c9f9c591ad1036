import { formatGoTime } from "@kopia-engine/kopia-format";
import {
  type SnapshotManifest,
  createLocalOutput,
  formatSource,
  listSnapshots,
  restoreTree,
  sourcesEqual,
} from "@kopia-engine/snapshotter";
import { sourceOf } from "./backup.ts";
import { connect } from "./connect-or-create.ts";
import type { MoverEnvironment } from "./environment.ts";
import { JOB_SUCCEEDED, type JobContext, type JobResult } from "./job-context.ts";
import type { MoverLog } from "./mover-log.ts";
import { selectSnapshot } from "./select-snapshot.ts";

/**
 * Restores the wanted snapshot of exactly this identity into the data directory (spec 4 §2.8).
 * Nothing found is a success that says so: a first installation starts with an empty volume.
 * @throws KopiaError of connecting, reading and writing.
 */
export async function runRestore(job: MoverEnvironment, context: JobContext): Promise<JobResult> {
  const { log } = context;
  await using repository = await connect(job, context);
  if (repository === undefined) {
    log.warn(`There is no repository at ${job.repositoryPath} yet`);
    return nothingToRestore(log);
  }
  const source = sourceOf(job, repository);
  const all = await listSnapshots(repository.manifests);
  const own = all.filter((snapshot) => sourcesEqual(snapshot.source, source));
  const selected = selectSnapshot(own, job.restore);
  if (selected?.rootEntry === undefined) {
    log.warn(`No complete snapshot of ${formatSource(source)}`);
    if (job.restore.discover) discover(all, formatSource(source), log);
    return nothingToRestore(log);
  }
  log.info(`Selected snapshot with id: ${selected.id}`);
  const output = createLocalOutput({
    targetPath: job.dataDirectory,
    writeFilesAtomically: true,
    ignorePermissionErrors: true,
  });
  const stats = await restoreTree({
    repository,
    entry: selected.rootEntry,
    output,
    signal: context.signal,
    observer: { warning: ({ path, error }) => log.warn(`${path}: ${error.message}`) },
  });
  log.info(
    `Restored ${stats.restoredFileCount} files, ${stats.restoredDirectoryCount} directories and ` +
      `${stats.restoredSymlinkCount} symbolic links (${stats.restoredBytes} bytes)`,
  );
  log.info("Snapshot restore completed successfully");
  return JOB_SUCCEEDED;
}

function nothingToRestore(log: MoverLog): JobResult {
  log.plain("No eligible snapshots found");
  log.plain("=== No data will be restored ===");
  return JOB_SUCCEEDED;
}

/** The block that the operator parses for identities that exist (spec 4 §2.8, §2.11). */
function discover(all: readonly SnapshotManifest[], wanted: string, log: MoverLog): void {
  log.plain(`No snapshots found for ${wanted}`);
  log.plain("=== Discovery Mode: Available Snapshots ===");
  if (all.length === 0) log.plain("No snapshots found in the repository");
  const newestFirst = all.toSorted((a, b) => (a.startTime < b.startTime ? 1 : -1));
  for (const { id, source, startTime, endTime } of newestFirst)
    log.plain(
      JSON.stringify({
        id,
        userName: source.userName,
        hostName: source.host,
        path: source.path,
        startTime: formatGoTime(startTime),
        endTime: formatGoTime(endTime),
      }),
    );
  log.plain("=== End Discovery Mode ===");
}
