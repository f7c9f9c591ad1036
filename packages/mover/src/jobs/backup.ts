import { readdirSync } from "node:fs";
import { type Repository, KopiaError, formatGoDuration } from "@kopia-engine/kopia-format";
import {
  boundHeapOfLargeTrees,
  type CreateSnapshotResult,
  type SnapshotManifest,
  type SnapshotReview,
  type Source,
  createSnapshot,
  formatSource,
  listSnapshots,
} from "@kopia-engine/snapshotter";
import { connect, connectOrCreate } from "../connect/connect-or-create.ts";
import type { MoverEnvironment } from "../environment/environment.ts";
import { type BackupArguments, readBackupArguments } from "../environment/snapshot-arguments.ts";
import {
  SHRINK_GUARD_TAG,
  type ShrinkVerdict,
  entryCount,
  isGuarded,
  judgeShrink,
  lastTrusted,
} from "../guard/shrink-guard.ts";
import {
  JOB_SUCCEEDED,
  type JobContext,
  type JobResult,
  TERMINATED_EXIT_CODE,
} from "./job-context.ts";
import { applyGlobalPolicyFile } from "./global-policy-file.ts";
import { lookAtUpkeep } from "./repository-state.ts";
import { runAction } from "./run-action.ts";
import { applyJobPolicy } from "./source-policy.ts";
import { maintainAfterBackup } from "./upkeep.ts";

/** Failed paths that are printed: all of them must fit the operator's last kilobyte (spec 4 §2.11). */
const MAX_PRINTED_FAILURES = 5;

/**
 * Backs up the data directory (spec 4 §2.7): connect or create, policy, before action, snapshot with the
 * shrink guard, retention, after action.
 * @throws KopiaError of each step; the repository stays as it was before the failed step.
 */
export async function runBackup(job: MoverEnvironment, context: JobContext): Promise<JobResult> {
  const { log } = context;
  const args = readBackupArguments(job.additionalArguments);
  if (isEmptyVolume(job.dataDirectory)) return await emptySource(job, context);
  await using repository = await connectOrCreate(job, context);
  const source = sourceOf(job, repository);
  {
    await using session = await repository.writeSession();
    if (job.globalPolicyFile !== undefined)
      await applyGlobalPolicyFile(session, job.globalPolicyFile, context);
    if (await applyJobPolicy(session, source, { ...job, ...policyArguments(args) }))
      log.info(`Policy of ${formatSource(source)} updated`);
    await session.flush();
  }
  await runBeforeAction(job, context);
  // A snapshot that was stopped before its first file is of no use to anybody (spec 4 §0.4 item 8).
  context.signal.throwIfAborted();
  const result = await snapshot({ job, args, repository, source, context });
  if (job.actions.afterSnapshot !== undefined) {
    const failure = await runAction(job.actions.afterSnapshot, context);
    if (failure !== undefined) log.warn(`After-snapshot action failed: ${failure}`);
  }
  // Never while it is in doubt what is to be kept.
  if (result.exitCode === 0) await maintainAfterBackup(repository, context);
  await lookAtUpkeep(repository, context);
  return result;
}

/** The identity under which this Job records its snapshots. */
export function sourceOf(job: MoverEnvironment, repository: Repository): Source {
  const { username, hostname } = repository.client;
  return { userName: username, host: hostname, path: job.sourcePath };
}

interface BackupRun {
  readonly job: MoverEnvironment;
  readonly args: BackupArguments;
  readonly repository: Repository;
  readonly source: Source;
  readonly context: JobContext;
}

async function snapshot(run: BackupRun): Promise<JobResult> {
  const { job, args, repository, source, context } = run;
  const { log, metrics } = context;
  log.info(`Snapshotting ${formatSource(source)} ...`);
  await using session = await repository.writeSession();
  const earlier = await listSnapshots(session.manifests, { source });
  const good = lastTrusted(earlier);
  let verdict = { kind: "trusted" } as ShrinkVerdict;
  const review = (manifest: SnapshotManifest): SnapshotReview => {
    if (manifest.incompleteReason !== "") return { freezeRetention: true };
    verdict = judgeShrink(job.shrinkGuard, entryCount(manifest), good);
    return verdict.kind === "trusted" ? {} : reviewShrunk(manifest, verdict.reason, earlier);
  };
  const result = await createSnapshot(session, {
    source,
    path: job.dataDirectory,
    timeZone: context.timeZone,
    signal: context.signal,
    review,
    observer: boundHeapOfLargeTrees({
      progress: context.progressed,
      directoryDone: context.progressed,
    }),
    ...uploadArguments(job, args),
  });
  await session.flush();
  const written = session.contents.stats();
  metrics.snapshot({ source, result, earlierCount: earlier.length, written });
  metrics.guard(source, verdict.kind === "shrunk");
  return report({ result, verdict, job, context });
}

/** The same suspicious state is not stored over and over by a Job that is retried. */
function reviewShrunk(
  manifest: SnapshotManifest,
  reason: string,
  earlier: readonly SnapshotManifest[],
): SnapshotReview {
  const isKnown = earlier.some(
    (other) => isGuarded(other) && other.rootEntry?.objectId === manifest.rootEntry?.objectId,
  );
  if (isKnown) return { discard: true };
  return { tags: { [SHRINK_GUARD_TAG]: reason }, freezeRetention: true };
}

function uploadArguments(job: MoverEnvironment, args: BackupArguments) {
  const threads = args.parallel ?? job.parallelism;
  return {
    tags: args.tags,
    pins: args.pins,
    description: args.description,
    failFast: args.failFast,
    ...(threads === undefined ? {} : { parallelFileReads: threads }),
    ...(args.forceHashPercent === undefined ? {} : { forceHashPercent: args.forceHashPercent }),
    ...(args.uploadLimitBytes === undefined ? {} : { uploadLimitBytes: args.uploadLimitBytes }),
    ...(args.checkpointIntervalMs === undefined
      ? {}
      : { checkpointIntervalMs: args.checkpointIntervalMs }),
  };
}

function policyArguments(args: BackupArguments) {
  const { oneFileSystem, ignoreCacheDirs } = args;
  return {
    ...(oneFileSystem === undefined ? {} : { oneFileSystem }),
    ...(ignoreCacheDirs === undefined ? {} : { ignoreCacheDirs }),
  };
}

async function runBeforeAction(job: MoverEnvironment, context: JobContext): Promise<void> {
  if (job.actions.beforeSnapshot === undefined) return;
  const failure = await runAction(job.actions.beforeSnapshot, context);
  if (failure !== undefined)
    throw new KopiaError("MOVER_ACTION_FAILED", `Before-snapshot action failed: ${failure}`);
}

/**
 * A volume with nothing in it: no snapshot, as ever (spec 4 §2.3). Where earlier snapshots hold data,
 * the guard says so; storing an empty snapshot would make a restore of "the newest" empty.
 */
async function emptySource(job: MoverEnvironment, context: JobContext): Promise<JobResult> {
  const { log, metrics } = context;
  log.plain("== Directory is empty skipping backup ===");
  if (job.shrinkGuard.maxLossPercent === undefined) return JOB_SUCCEEDED;
  await using repository = await connect(job, context, { readOnly: true });
  if (repository === undefined) return JOB_SUCCEEDED;
  const source = sourceOf(job, repository);
  const earlier = await listSnapshots(repository.manifests, { source });
  const verdict = judgeShrink(job.shrinkGuard, 0, lastTrusted(earlier));
  metrics.guard(source, verdict.kind === "shrunk");
  return verdict.kind === "trusted" ? JOB_SUCCEEDED : guardResult(verdict.reason, job, context);
}

function guardResult(reason: string, job: MoverEnvironment, { log }: JobContext): JobResult {
  log.error(`SHRINK GUARD: ${reason}. Retention is frozen, nothing was deleted.`);
  log.plain(
    "If this is what the volume should hold, run once with KOPIA_SHRINK_GUARD_ACCEPT=true.",
  );
  const { exitCode } = job.shrinkGuard;
  return { exitCode, succeeded: false, summary: [`SHRINK_GUARD: TRIPPED (${reason})`] };
}

interface Outcome {
  readonly result: CreateSnapshotResult;
  readonly verdict: ShrinkVerdict;
  readonly job: MoverEnvironment;
  readonly context: JobContext;
}

function report({ result, verdict, job, context }: Outcome): JobResult {
  const { manifest, deletedByRetention } = result;
  const { log } = context;
  if (manifest.incompleteReason !== "") {
    log.error(
      `Backup stopped before it was complete (${manifest.incompleteReason}); what was stored is reused by the next run`,
    );
    return { exitCode: TERMINATED_EXIT_CODE, succeeded: false };
  }
  const summary = manifest.rootEntry?.summary;
  const duration = formatGoDuration(manifest.endTime - manifest.startTime);
  if (result.saved)
    log.info(
      `Created snapshot with root ${manifest.rootEntry?.objectId} and ID ${manifest.id} in ${duration}`,
    );
  else if (verdict.kind === "trusted")
    log.info("Not saving snapshot because no files have been changed since previous snapshot");
  log.info(
    `${summary?.fileCount ?? 0} files, ${summary?.directoryCount ?? 0} directories, ` +
      `${summary?.totalFileSizeBytes ?? 0} bytes; read ${manifest.stats.nonCachedFileCount}, ` +
      `reused ${manifest.stats.cachedFileCount}`,
  );
  log.info(`Retention: deleted ${deletedByRetention.length} snapshot(s)`);
  if (verdict.kind === "shrunk") return guardResult(verdict.reason, job, context);
  const failures = summary?.failedEntries ?? [];
  for (const { path, error } of failures.slice(0, MAX_PRINTED_FAILURES))
    log.error(`${path}: ${error}`);
  const fatalCount = summary?.fatalErrorCount ?? 0;
  if (fatalCount > 0) {
    log.error(`Found ${fatalCount} fatal error(s) while snapshotting`);
    if (!job.acceptsSourceErrors) {
      log.error("Failed to create snapshot");
      return { exitCode: 1, succeeded: false };
    }
    log.warn("KOPIA_ACCEPT_SOURCE_ERRORS is set: the run counts as a success");
  }
  log.info("Snapshot created successfully");
  return JOB_SUCCEEDED;
}

/** A volume with nothing but a `lost+found` is not backed up (spec 4 §2.3). */
function isEmptyVolume(directory: string): boolean {
  return readdirSync(directory).every((name) => name === "lost+found");
}
