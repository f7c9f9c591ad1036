import { readdirSync } from "node:fs";
import { type Repository, formatGoDuration } from "@kopia-engine/kopia-format";
import {
  type CreateSnapshotResult,
  type Source,
  createSnapshot,
  formatSource,
} from "@kopia-engine/snapshotter";
import { connectOrCreate } from "./connect-or-create.ts";
import type { MoverEnvironment } from "./environment.ts";
import {
  JOB_SUCCEEDED,
  type JobContext,
  type JobResult,
  TERMINATED_EXIT_CODE,
} from "./job-context.ts";
import { applyJobPolicy } from "./source-policy.ts";

/** Failed paths that are printed: all of them must fit the operator's last kilobyte (spec 4 §2.11). */
const MAX_PRINTED_FAILURES = 5;

/**
 * Backs up the data directory (spec 4 §2.7): connect or create, policy, snapshot, retention.
 * @throws KopiaError of each step; the repository stays as it was before the failed step.
 */
export async function runBackup(job: MoverEnvironment, context: JobContext): Promise<JobResult> {
  if (isEmptyVolume(job.dataDirectory)) {
    context.log.plain("== Directory is empty skipping backup ===");
    return JOB_SUCCEEDED;
  }
  await using repository = await connectOrCreate(job, context);
  const source = sourceOf(job, repository);
  await using session = await repository.writeSession();
  if (await applyJobPolicy(session, source, job))
    context.log.info(`Policy of ${formatSource(source)} updated`);
  context.log.info(`Snapshotting ${formatSource(source)} ...`);
  const result = await createSnapshot(session, {
    source,
    path: job.dataDirectory,
    timeZone: context.timeZone,
    signal: context.signal,
  });
  await session.flush();
  return report(result, context);
}

/** The identity under which this Job records its snapshots. */
export function sourceOf(job: MoverEnvironment, repository: Repository): Source {
  const { username, hostname } = repository.client;
  return { userName: username, host: hostname, path: job.sourcePath };
}

function report(result: CreateSnapshotResult, { log }: JobContext): JobResult {
  const { manifest, deletedByRetention } = result;
  if (manifest.incompleteReason === "canceled") {
    log.error("Backup stopped before it was complete; what was stored is reused by the next run");
    return { exitCode: TERMINATED_EXIT_CODE, succeeded: false };
  }
  const summary = manifest.rootEntry?.summary;
  const duration = formatGoDuration(manifest.endTime - manifest.startTime);
  log.info(
    result.saved
      ? `Created snapshot with root ${manifest.rootEntry?.objectId} and ID ${manifest.id} in ${duration}`
      : "Not saving snapshot because no files have been changed since previous snapshot",
  );
  log.info(
    `${summary?.fileCount ?? 0} files, ${summary?.directoryCount ?? 0} directories, ` +
      `${summary?.totalFileSizeBytes ?? 0} bytes; read ${manifest.stats.nonCachedFileCount}, ` +
      `reused ${manifest.stats.cachedFileCount}`,
  );
  log.info(`Retention: deleted ${deletedByRetention.length} snapshot(s)`);
  const failures = summary?.failedEntries ?? [];
  for (const { path, error } of failures.slice(0, MAX_PRINTED_FAILURES))
    log.error(`${path}: ${error}`);
  if ((summary?.fatalErrorCount ?? 0) > 0) {
    log.error(`Found ${summary?.fatalErrorCount} fatal error(s) while snapshotting`);
    return { exitCode: 1, succeeded: false };
  }
  log.info("Snapshot created successfully");
  return JOB_SUCCEEDED;
}

/** A volume with nothing but a `lost+found` is not backed up (spec 4 §2.3). */
function isEmptyVolume(directory: string): boolean {
  return readdirSync(directory).every((name) => name === "lost+found");
}
