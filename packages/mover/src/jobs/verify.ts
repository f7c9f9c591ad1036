import { KopiaError, formatGoTime } from "@kopia-engine/kopia-format";
import {
  type SnapshotManifest,
  formatSource,
  groupBySource,
  listSnapshots,
  verifySnapshots,
} from "@kopia-engine/snapshotter";
import { connect } from "../connect/connect-or-create.ts";
import type { Environment, MoverEnvironment } from "../environment/environment.ts";
import { count, durationMs } from "../environment/variables.ts";
import { JOB_SUCCEEDED, type JobContext, type JobResult } from "./job-context.ts";

const MS_PER_DAY = 86_400_000;
const DEFAULT_PERIOD_MS = 28 * MS_PER_DAY;
const MAX_PRINTED_ERRORS = 5;

/** Which part of all files a run reads. */
export interface VerifySlice {
  readonly index: number;
  readonly sliceCount: number;
}

/**
 * The slice of a run. Files are dealt out to slices by their object ID, and time walks through the slices:
 * runs at the given interval read every file within the period, whatever happened to their caches.
 */
export function sliceAt(nowMs: number, periodMs: number, intervalMs: number): VerifySlice {
  const sliceCount = Math.max(1, Math.floor(periodMs / intervalMs));
  return { index: Math.floor(nowMs / intervalMs) % sliceCount, sliceCount };
}

/** Whether a slice holds an object. Object IDs end in a hash: its last digits are as good as random. */
export function isInSlice(objectId: string, { index, sliceCount }: VerifySlice): boolean {
  return Number.parseInt(objectId.slice(-8), 16) % sliceCount === index;
}

/**
 * Verifies the newest whole snapshot of every source: all directories and all index entries each time, file
 * contents slice by slice, so that `KOPIA_VERIFY_PERIOD` (default 28 days) reaches 100 % with a run every
 * `KOPIA_VERIFY_INTERVAL` (default 24h). `KOPIA_VERIFY_SNAPSHOTS=n` takes the n newest of each source.
 * @throws KopiaError of connecting and listing; what is broken in the repository is a result.
 */
export async function runVerify(job: MoverEnvironment, context: JobContext): Promise<JobResult> {
  const { log, env, clock, metrics } = context;
  await using repository = await connect(job, context, { readOnly: true, useCache: false });
  if (repository === undefined) throw noRepository(job);
  const slice = readSlice(env, Number(clock.now() / 1_000_000n));
  const perSource = count(env, "KOPIA_VERIFY_SNAPSHOTS") ?? 1;
  const snapshots = newestOfEach(await listSnapshots(repository.manifests), perSource);
  log.info(
    `Verifying ${snapshots.length} snapshots; contents of slice ${slice.index + 1} of ${slice.sliceCount}`,
  );
  const result = await verifySnapshots({
    repository,
    roots: snapshots.flatMap((snapshot) =>
      snapshot.rootEntry === undefined
        ? []
        : [{ path: describeSnapshot(snapshot), entry: snapshot.rootEntry }],
    ),
    maxErrors: -1,
    shouldReadFile: (objectId) => isInSlice(objectId, slice),
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

function readSlice(env: Environment, nowMs: number): VerifySlice {
  const periodMs = durationMs(env, "KOPIA_VERIFY_PERIOD") ?? DEFAULT_PERIOD_MS;
  const intervalMs = durationMs(env, "KOPIA_VERIFY_INTERVAL") ?? MS_PER_DAY;
  return sliceAt(nowMs, periodMs, intervalMs);
}
