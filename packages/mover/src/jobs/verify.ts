import { KopiaError, formatGoTime } from "@kopia-engine/kopia-format";
import {
  type SnapshotManifest,
  formatSource,
  groupBySource,
  listSnapshots,
  verifySnapshots,
} from "@kopia-engine/snapshotter";
import { connect } from "../connect/connect-or-create.ts";
import type { MoverEnvironment } from "../environment/environment.ts";
import { count } from "../environment/variables.ts";
import { JOB_SUCCEEDED, type JobContext, type JobResult } from "./job-context.ts";
import { closeRotation, describeSlices, isDue, openRotation } from "./verify-slices.ts";

const MAX_PRINTED_ERRORS = 5;

/**
 * Verifies the newest whole snapshot of every source: all directories and all index entries each time, file
 * contents slice by slice, so that `KOPIA_VERIFY_PERIOD` (default 28 days) reaches 100 % with a run every
 * `KOPIA_VERIFY_INTERVAL` (default 24h); slices of runs that were missed are caught up (`verify-slices.ts`).
 * `KOPIA_VERIFY_SNAPSHOTS=n` takes the n newest of each source.
 * @throws KopiaError of connecting and listing; what is broken in the repository is a result.
 */
export async function runVerify(job: MoverEnvironment, context: JobContext): Promise<JobResult> {
  const { log, env, clock, metrics } = context;
  await using repository = await connect(job, context, { readOnly: true, useCache: false });
  if (repository === undefined) throw noRepository(job);
  const rotation = openRotation(job, env, Number(clock.now() / 1_000_000n));
  const perSource = count(env, "KOPIA_VERIFY_SNAPSHOTS") ?? 1;
  const snapshots = newestOfEach(await listSnapshots(repository.manifests), perSource);
  log.info(`Verifying ${snapshots.length} snapshots; contents of ${describeSlices(rotation)}`);
  const result = await verifySnapshots({
    repository,
    roots: snapshots.flatMap((snapshot) =>
      snapshot.rootEntry === undefined
        ? []
        : [{ path: describeSnapshot(snapshot), entry: snapshot.rootEntry }],
    ),
    maxErrors: -1,
    shouldReadFile: (objectId) => isDue(rotation, objectId),
    signal: context.signal,
    onProgress: context.progressed,
  });
  const { errors, stats } = result;
  for (const { path, message } of errors.slice(0, MAX_PRINTED_ERRORS))
    log.error(`${path}: ${message}`);
  log.info(
    `Verified ${stats.processedObjectCount} objects, read ${stats.readFileCount} files (${stats.readBytes} bytes), ${errors.length} errors`,
  );
  metrics.check("verify", {
    files: stats.readFileCount,
    errors: errors.length,
    now: clock.now(),
  });
  const coverage = closeRotation(rotation, log);
  if (coverage !== undefined) metrics.set("kopia_verify_coverage_ratio", coverage);
  if (errors.length > 0) {
    log.error(`Verification failed: ${errors.length} errors`);
    return { exitCode: 1, succeeded: false };
  }
  log.info("Verification completed successfully");
  return JOB_SUCCEEDED;
}

/** The newest whole snapshots of every source. */
export function newestOfEach(
  all: readonly SnapshotManifest[],
  perSource: number,
): SnapshotManifest[] {
  return groupBySource(all).flatMap(({ snapshots }) =>
    snapshots.filter(({ incompleteReason }) => incompleteReason === "").slice(-perSource),
  );
}

/** `user@host:path@time`, as Kopia's verification names it. */
export function describeSnapshot({ source, startTime }: SnapshotManifest): string {
  return `${formatSource(source)}@${formatGoTime(startTime)}`;
}

/** The refusal of jobs that need a repository. */
export function noRepository(job: MoverEnvironment): KopiaError {
  return new KopiaError("REPOSITORY_NOT_FOUND", `there is no repository at ${job.repositoryPath}`, {
    details: { path: job.repositoryPath },
  });
}
