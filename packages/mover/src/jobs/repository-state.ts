import { type Repository, type TimeNs, errorMessage } from "@kopia-engine/kopia-format";
import { getMaintenanceParameters, loadSchedule } from "@kopia-engine/snapshotter";
import type { JobContext } from "./job-context.ts";

/** More index blobs than upkeep leaves by far: every client reads all of them when it connects. */
const MANY_INDEX_BLOBS = 1000;

/** A repository as a report shows it. Sizes are those of the file system that holds it, where it tells. */
export interface RepositoryState {
  readonly storage: string;
  readonly formatVersion: number;
  readonly hash: string;
  readonly encryption: string;
  readonly indexBlobs: number;
  readonly capacityBytes?: number;
  readonly freeBytes?: number;
}

/** How upkeep stands. `lagSeconds` is 0 when nothing is overdue. */
export interface MaintenanceState {
  readonly owner: string;
  readonly lagSeconds: number;
  readonly problems: readonly string[];
}

/** Looks at the repository and sets its metrics. */
export async function measureRepository(
  repository: Repository,
  { metrics }: JobContext,
): Promise<RepositoryState> {
  const capacity = await repository.storage.capacity();
  const indexBlobs = (await repository.indexBlobs()).length;
  metrics.set("kopia_repository_index_blobs", indexBlobs);
  if (capacity !== undefined) {
    metrics.set("kopia_repository_capacity_bytes", capacity.sizeBytes);
    metrics.set("kopia_repository_free_bytes", capacity.freeBytes);
  }
  const { content } = repository.format;
  return {
    storage: repository.storage.displayName,
    formatVersion: content.version,
    hash: content.hash,
    encryption: content.encryption,
    indexBlobs,
    ...(capacity === undefined
      ? {}
      : { capacityBytes: capacity.sizeBytes, freeBytes: capacity.freeBytes }),
  };
}

/** Full maintenance is late when its time has passed by a whole interval. */
export async function maintenanceState(
  repository: Repository,
  now: TimeNs,
): Promise<MaintenanceState> {
  const { owner, full } = await getMaintenanceParameters(repository.manifests);
  const { nextFullMaintenance } = await loadSchedule(repository);
  const overdueNs = Number(now - nextFullMaintenance);
  const hasRun = nextFullMaintenance > 0n;
  const lagSeconds = hasRun && full.enabled ? Math.max(0, Math.floor(overdueNs / 1e9)) : 0;
  const isLate = hasRun && full.enabled && overdueNs > full.intervalNs;
  const problems = [
    ...(isLate ? [`maintenance (owner ${owner || "nobody"}) is ${lagSeconds} s overdue`] : []),
    ...(owner === "" ? ["maintenance has no owner: it never runs"] : []),
  ];
  return { owner, lagSeconds, problems };
}

/**
 * Says in the log of every backup what makes all of them slow in the end: upkeep that does not run, and index
 * blobs that pile up (spec 4 §7 item 4). The work is done by then: a failure here is a warning.
 */
export async function lookAtUpkeep(repository: Repository, context: JobContext): Promise<void> {
  const { log, clock, metrics } = context;
  try {
    await repository.refresh();
    const { indexBlobs } = await measureRepository(repository, context);
    const { lagSeconds, problems } = await maintenanceState(repository, clock.now());
    metrics.set("kopia_maintenance_lag_seconds", lagSeconds);
    for (const problem of problems) log.warn(problem);
    if (indexBlobs > MANY_INDEX_BLOBS)
      log.warn(`The repository has ${indexBlobs} index blobs: maintenance does not keep up`);
  } catch (error) {
    log.warn(`The state of the repository was not measured: ${errorMessage(error)}`);
  }
}
