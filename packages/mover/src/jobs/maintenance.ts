import { KopiaError, errorMessage, formatGoDuration } from "@kopia-engine/kopia-format";
import {
  getMaintenanceParameters,
  runMaintenance,
  setMaintenanceParameters,
} from "@kopia-engine/snapshotter";
import type { Repository } from "@kopia-engine/kopia-format";
import { measureCache } from "../connect/cache-directory.ts";
import { connectOrCreate } from "../connect/connect-or-create.ts";
import type { MoverEnvironment } from "../environment/environment.ts";
import type { JobContext, JobResult } from "./job-context.ts";
import { lookAtUpkeep } from "./repository-state.ts";
import { maintenanceObserver } from "./upkeep.ts";

/** From here on a full cache may be the reason of a failure (spec 4 §2.10). */
const NEARLY_FULL_PERCENT = 90;

/**
 * Maintains the repository: takes it over if another identity owns it, switches quick cycles on, runs a
 * quick one and a full one (spec 4 §2.9).
 * @throws KopiaError of connecting and of claiming the repository, and the signal's reason. A failed full cycle is a result.
 */
export async function runMaintenanceJob(
  job: MoverEnvironment,
  context: JobContext,
): Promise<JobResult> {
  const { log, clock } = context;
  await using repository = await connectOrCreate(job, context);
  await claim(repository, context);
  const startTime = clock.now();
  try {
    await run(repository, "quick", context);
  } catch (error) {
    context.signal.throwIfAborted();
    log.warn(`Quick maintenance failed: ${errorMessage(error)}`);
  }
  let failure: string | undefined;
  try {
    const outcome = await run(repository, "full", context);
    if (outcome === "busy") failure = "another process is maintaining the repository";
  } catch (error) {
    context.signal.throwIfAborted();
    failure = errorMessage(error);
  }
  const duration = formatGoDuration(clock.now() - startTime);
  context.metrics.maintenance({ succeeded: failure === undefined, startTime });
  await lookAtUpkeep(repository, context);
  if (failure === undefined) {
    const summary = ["MAINTENANCE_STATUS: SUCCESS", `MAINTENANCE_DURATION: ${duration}`];
    return { exitCode: 0, succeeded: true, summary };
  }
  return { exitCode: 1, succeeded: false, summary: failureSummary(job, failure) };
}

async function claim(repository: Repository, { log }: JobContext): Promise<void> {
  const { username, hostname } = repository.client;
  const identity = `${username}@${hostname}`;
  const parameters = await getMaintenanceParameters(repository.manifests);
  if (parameters.owner === identity && parameters.quick.enabled) return;
  if (parameters.owner !== identity)
    log.info(`Maintenance owner is ${parameters.owner || "nobody"}; taking over as ${identity}`);
  await using session = await repository.writeSession();
  await setMaintenanceParameters(session.manifests, {
    ...parameters,
    owner: identity,
    quick: { ...parameters.quick, enabled: true },
  });
  await session.flush();
  await repository.refresh();
  const { owner } = await getMaintenanceParameters(repository.manifests);
  if (owner !== identity)
    throw new KopiaError(
      "MAINTENANCE_NOT_OWNED",
      `${identity} could not take over maintenance: ${owner} did so at the same time`,
    );
}

async function run(
  repository: Repository,
  mode: "quick" | "full",
  context: JobContext,
): ReturnType<typeof runMaintenance> {
  return await runMaintenance({ repository, mode, observer: maintenanceObserver(context) });
}

function failureSummary(job: MoverEnvironment, failure: string): string[] {
  const usage = measureCache(job.cacheDirectory, job.cache);
  return [
    "MAINTENANCE_STATUS: FAILED",
    `MAINTENANCE_FAILURE_REASON: ${failure}`,
    "KOPIA_ERROR_OUTPUT_START:",
    failure,
    "KOPIA_ERROR_OUTPUT_END",
    "=== Diagnostic Information ===",
    ...(usage === undefined
      ? []
      : [
          `CACHE_USAGE_BYTES: ${usage.usedBytes}`,
          `CACHE_CAPACITY_BYTES: ${usage.capacityBytes}`,
          `CACHE_USAGE_PERCENT: ${usage.usedPercent}`,
          ...(usage.usedPercent >= NEARLY_FULL_PERCENT
            ? [
                `CACHE_EXHAUSTION_WARNING: the cache is ${usage.usedPercent}% full; raise cacheCapacity`,
              ]
            : []),
        ]),
  ];
}
