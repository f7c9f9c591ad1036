import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  NS_PER_SECOND,
  type TimeNs,
  formatGoTime,
  isKopiaError,
  parseGoTime,
} from "@kopia-engine/kopia-format";
import {
  type SnapshotManifest,
  formatSource,
  groupBySource,
  listSnapshots,
} from "@kopia-engine/snapshotter";
import { connect } from "../connect/connect-or-create.ts";
import type { MoverEnvironment } from "../environment/environment.ts";
import { count, flag, optional } from "../environment/variables.ts";
import { isGuarded, lastTrusted } from "../guard/shrink-guard.ts";
import { JOB_SUCCEEDED, type JobContext, type JobResult } from "./job-context.ts";
import { type JobStatus, STATUS_FILE } from "./job-status.ts";
import { type RepositoryState, maintenanceState, measureRepository } from "./repository-state.ts";
import { noRepository } from "./verify.ts";

const DEFAULT_MAX_AGE_SECONDS = 90_000;
const DEFAULT_STUCK_MINUTES = 60;

interface SourceReport {
  readonly source: string;
  readonly snapshots: number;
  readonly latestTime: string;
  readonly ageSeconds: number;
  readonly sizeBytes: number;
  readonly errorCount: number;
  readonly ignoredErrorCount: number;
  readonly problems: readonly string[];
}

/**
 * The daily report (spec 4 §5.7, rows 47 and 48), read-only and without a cluster: the repository, every
 * source with its newest whole snapshot, what is missing or too old, maintenance that is overdue, and
 * restores that neither ended nor failed. `KOPIA_REPORT_EXPECTED` names sources (`user@host`, comma separated)
 * that must exist; `KOPIA_REPORT_MAX_AGE` is in seconds (default 90000); `KOPIA_REPORT_JSON=true` prints JSON.
 * @throws KopiaError of connecting and listing; what is wrong is a result with exit code 1.
 */
export async function runReport(job: MoverEnvironment, context: JobContext): Promise<JobResult> {
  const { env, clock, metrics, log } = context;
  await using repository = await connect(job, context, { readOnly: true });
  if (repository === undefined) throw noRepository(job);
  const now = clock.now();
  const all = await listSnapshots(repository.manifests);
  const sources = groupBySource(all).map(({ snapshots }) => reportSource(snapshots, now, context));
  const missing = missingSources(all, optional(env, "KOPIA_REPORT_EXPECTED"));
  const maintenance = await maintenanceState(repository, now);
  const stuck = stuckRestore(job, context, now);
  const problems = [
    ...(all.length === 0 ? ["there are no sources"] : []),
    ...missing.map((identity) => `${identity} has no snapshot`),
    ...sources.flatMap(({ source, problems: own }) => own.map((text) => `${source}: ${text}`)),
    ...maintenance.problems,
    ...(stuck === undefined ? [] : [stuck]),
  ];
  const repositoryState = await measureRepository(repository, context);
  metrics.set("kopia_maintenance_lag_seconds", maintenance.lagSeconds);
  metrics.set("kopia_restore_stuck", stuck === undefined ? 0 : 1);
  const report = {
    date: formatGoTime(now),
    repository: repositoryState,
    totals: {
      sources: sources.length,
      snapshots: all.length,
      today: startedWithin(all, now, 0),
      yesterday: startedWithin(all, now, 1),
    },
    maintenance: { owner: maintenance.owner, lagSeconds: maintenance.lagSeconds },
    sources,
    problems,
  };
  if (flag(env, "KOPIA_REPORT_JSON")) log.plain(JSON.stringify(report));
  else printReport(report, context);
  return problems.length === 0 ? JOB_SUCCEEDED : { exitCode: 1, succeeded: false };
}

function reportSource(
  snapshots: readonly SnapshotManifest[],
  now: TimeNs,
  { env, metrics }: JobContext,
): SourceReport {
  const whole = snapshots.filter(({ incompleteReason }) => incompleteReason === "");
  const latest = whole.at(-1) ?? snapshots.at(-1);
  const source = formatSource(latest?.source ?? { userName: "", host: "", path: "" });
  const sizeBytes = Number(
    latest?.rootEntry?.summary?.totalFileSizeBytes ?? latest?.stats.totalFileSizeBytes ?? 0n,
  );
  const startTime = latest?.startTime ?? 0n;
  const ageSeconds = Number((now - startTime) / NS_PER_SECOND);
  const maxAge = count(env, "KOPIA_REPORT_MAX_AGE") ?? DEFAULT_MAX_AGE_SECONDS;
  const errorCount = latest?.rootEntry?.summary?.fatalErrorCount ?? latest?.stats.errorCount ?? 0;
  const problems = [
    ...(whole.length === 0 ? ["has no whole snapshot"] : []),
    ...(ageSeconds > maxAge ? [`its newest snapshot is ${ageSeconds} s old`] : []),
    ...(sizeBytes === 0 ? ["its newest snapshot holds no bytes"] : []),
    ...(errorCount > 0 ? [`its newest snapshot has ${errorCount} errors`] : []),
    ...(latest !== undefined && isGuarded(latest) && lastTrusted(whole) !== latest
      ? ["the shrink guard marked its newest snapshot"]
      : []),
  ];
  if (latest !== undefined)
    metrics.sourceState({
      source: latest.source,
      snapshotCount: snapshots.length,
      lastSnapshotTime: startTime,
      sizeBytes,
    });
  return {
    source,
    snapshots: snapshots.length,
    latestTime: formatGoTime(startTime),
    ageSeconds,
    sizeBytes,
    errorCount,
    ignoredErrorCount: latest?.rootEntry?.summary?.ignoredErrorCount ?? 0,
    problems,
  };
}

function missingSources(
  all: readonly SnapshotManifest[],
  expected: string | undefined,
): readonly string[] {
  const present = new Set(
    all.flatMap(({ source }) => [`${source.userName}@${source.host}`, formatSource(source)]),
  );
  return (expected ?? "")
    .split(",")
    .map((identity) => identity.trim())
    .filter((identity) => identity !== "" && !present.has(identity));
}

/** A restore of this cache that began long ago and did not end (spec row 47, without a cluster). */
function stuckRestore(job: MoverEnvironment, { env }: JobContext, now: TimeNs): string | undefined {
  const limitMinutes = count(env, "STUCK_THRESHOLD_MINUTES") ?? DEFAULT_STUCK_MINUTES;
  let status: JobStatus;
  try {
    status = JSON.parse(readFileSync(join(job.cacheDirectory, STATUS_FILE), "utf8")) as JobStatus;
    if (status.endedAt !== undefined) return undefined;
    const minutes = Number((now - parseGoTime(status.startedAt)) / NS_PER_SECOND / 60n);
    if (minutes <= limitMinutes) return undefined;
    return `a restore into ${status.dataDirectory} began ${minutes} minutes ago and has not ended`;
  } catch (error) {
    // No restore has run with this cache, or its file is torn: nothing is known of one.
    if (isKopiaError(error) || error instanceof SyntaxError || isMissingFile(error))
      return undefined;
    throw error;
  }
}

function isMissingFile(error: unknown): boolean {
  return error instanceof Error && "code" in error;
}

/** Snapshots of one UTC day, so many days ago. */
function startedWithin(all: readonly SnapshotManifest[], now: TimeNs, daysAgo: number): number {
  const day = (time: TimeNs): bigint => time / (86_400n * NS_PER_SECOND);
  return all.filter(({ startTime }) => day(startTime) === day(now) - BigInt(daysAgo)).length;
}

interface Report {
  readonly date: string;
  readonly repository: RepositoryState;
  readonly totals: Readonly<Record<string, number>>;
  readonly sources: readonly SourceReport[];
  readonly problems: readonly string[];
}

function printReport(report: Report, { log }: JobContext): void {
  const { repository, totals } = report;
  log.plain(`=== Backup report ${report.date} ===`);
  log.plain(`Storage:             ${repository.storage}`);
  log.plain(`Storage capacity:    ${repository.capacityBytes ?? "unknown"} bytes`);
  log.plain(`Storage available:   ${repository.freeBytes ?? "unknown"} bytes`);
  log.plain(`Format version:      ${repository.formatVersion}`);
  log.plain(`Hash:                ${repository.hash}`);
  log.plain(`Encryption:          ${repository.encryption}`);
  log.plain(`Index blobs:         ${repository.indexBlobs}`);
  log.plain(
    `Snapshots:           ${totals["snapshots"]} of ${totals["sources"]} sources; today ${totals["today"]}, yesterday ${totals["yesterday"]} (UTC)`,
  );
  for (const source of report.sources)
    log.plain(
      `${source.source}: ${source.snapshots} snapshots, latest ${source.latestTime} (${source.ageSeconds} s ago), ${source.sizeBytes} bytes, ${source.errorCount} errors`,
    );
  for (const problem of report.problems) log.error(problem);
  log.plain(`Problems: ${report.problems.length}`);
}
