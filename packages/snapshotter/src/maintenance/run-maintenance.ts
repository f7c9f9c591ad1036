import {
  KopiaError,
  MAINTENANCE_BLOB_ID,
  createContentEncryptor,
  createEpochMaintenance,
  createHashFunction,
  errorMessage,
  toUnixSeconds,
  type EpochMaintenance,
  type IndexBlobManagerOptions,
  type JsonInput,
  type MaintenanceSchedule,
  type Repository,
  type TimeNs,
  parseJson,
  goStringify,
} from "@kopia-engine/kopia-format";
import {
  assertPlausible,
  executeSnapshotGc,
  planSnapshotGc,
  snapshotGcStats,
} from "../gc/snapshot-gc.ts";
import { getMaintenanceParameters } from "../model/maintenance-parameters.ts";
import type { MaintenanceParameters } from "../model/maintenance-parameters.ts";
import {
  MAX_CLOCK_SKEW_NS,
  SAFETY,
  type Safety,
  type SafetyParameters,
} from "./safety-parameters.ts";
import { loadSchedule, saveSchedule, withRun } from "./schedule-store.ts";
import { mayDeletePacks, mayRewriteInFullCycle, safeDropTime } from "./task-history.ts";
import { planLogCleanup } from "./tasks/cleanup-logs.ts";
import { executePackDeletion, planPackDeletion } from "./tasks/delete-unreferenced-packs.ts";
import { executeRewrite, planRewrite } from "./tasks/rewrite-contents.ts";

/** How maintenance runs. */
export interface RunMaintenanceOptions {
  readonly repository: Repository;
  readonly mode: "quick" | "full" | "auto";
  readonly safety?: Safety;
  /** Ignores the owner. */
  readonly force?: boolean;
  /** Plans and tells; writes nothing at all. */
  readonly dryRun?: boolean;
  /** Allows marking more than a fifth of the live bytes at once. */
  readonly allowLargeDeletion?: boolean;
  /** Takes the lock of this machine; `undefined` when another process holds it. */
  readonly lock?: () => Promise<(() => void) | undefined>;
  readonly onMessage?: (message: string) => void;
}

/** What became of it. */
export type MaintenanceOutcome = "quick" | "full" | "not-due" | "busy";

interface Cycle {
  readonly repository: Repository;
  readonly safety: SafetyParameters;
  readonly parameters: MaintenanceParameters;
  readonly index: IndexBlobManagerOptions;
  readonly epochs: EpochMaintenance;
  readonly startTime: TimeNs;
  readonly dryRun: boolean;
  readonly allowLargeDeletion: boolean;
  readonly tell: (message: string) => void;
  schedule: MaintenanceSchedule;
}

interface TaskResult {
  readonly kind: string;
  /** `null`: there was nothing to do. */
  readonly data: Readonly<Record<string, JsonInput>> | null;
}

/**
 * Runs maintenance in the exact order of spec 3 §1.4. For repositories with epochs.
 * @throws KopiaError `STORAGE_READ_ONLY`, `MAINTENANCE_NOT_OWNED`, `MAINTENANCE_CLOCK_SKEW`,
 *   `MAINTENANCE_REFUSED`, `MAINTENANCE_CORRUPT`, `NOT_IMPLEMENTED` without epochs, and those of the tasks.
 */
export async function runMaintenance(options: RunMaintenanceOptions): Promise<MaintenanceOutcome> {
  const { repository, force = false, dryRun = false } = options;
  if (repository.client.readOnly || repository.storage.readOnly) {
    throw new KopiaError(
      "STORAGE_READ_ONLY",
      "not running maintenance on read-only repository connection",
    );
  }
  const parameters = await getMaintenanceParameters(repository.manifests);
  const isOwner =
    parameters.owner === `${repository.client.username}@${repository.client.hostname}`;
  if (!isOwner && (!force || options.mode === "auto")) {
    throw new KopiaError(
      "MAINTENANCE_NOT_OWNED",
      `maintenance must be run by designated user: ${parameters.owner}`,
      { details: { owner: parameters.owner } },
    );
  }
  const mode = await dueMode(options, parameters);
  if (mode === undefined) return "not-due";
  if (dryRun) {
    await runCycle(mode, await openCycle(options, parameters, repository.clock.now()));
    return mode;
  }
  const unlock = options.lock === undefined ? () => {} : await options.lock();
  if (unlock === undefined) return "busy";
  try {
    const startTime = await announce(repository, mode, parameters);
    await runCycle(mode, await openCycle(options, parameters, startTime));
  } finally {
    unlock();
  }
  return mode;
}

async function dueMode(
  { mode, repository }: RunMaintenanceOptions,
  { full, quick }: MaintenanceParameters,
): Promise<"quick" | "full" | undefined> {
  if (mode !== "auto") return mode;
  const { nextFullMaintenance, nextQuickMaintenance } = await loadSchedule(repository);
  const now = repository.clock.now();
  if (full.enabled && now >= nextFullMaintenance) return "full";
  return quick.enabled && now >= nextQuickMaintenance ? "quick" : undefined;
}

/** Moves the schedule on before working, and reads the storage's time off it. */
async function announce(
  repository: Repository,
  mode: "quick" | "full",
  { full, quick }: MaintenanceParameters,
): Promise<TimeNs> {
  const { clock, storage } = repository;
  const schedule = await loadSchedule(repository);
  const now = clock.now();
  await saveSchedule(repository, {
    ...schedule,
    nextQuickMaintenance: now + BigInt(quick.intervalNs),
    nextFullMaintenance:
      mode === "full" ? now + BigInt(full.intervalNs) : schedule.nextFullMaintenance,
  });
  const { timestamp } = await storage.getMetadata(MAINTENANCE_BLOB_ID);
  const skew = timestamp - clock.now();
  if (skew > MAX_CLOCK_SKEW_NS || -skew > MAX_CLOCK_SKEW_NS) {
    throw new KopiaError(
      "MAINTENANCE_CLOCK_SKEW",
      `the storage's clock and this machine's differ by ${skew / 1_000_000_000n} s, at most 300 are safe`,
    );
  }
  for await (const blob of storage.list(MAINTENANCE_BLOB_ID)) {
    if (blob.id === MAINTENANCE_BLOB_ID && blob.timestamp >= timestamp) return timestamp;
  }
  throw new KopiaError(
    "MAINTENANCE_REFUSED",
    `the storage's listing does not show ${MAINTENANCE_BLOB_ID} as just written: it is too old to decide by`,
  );
}

async function openCycle(
  options: RunMaintenanceOptions,
  parameters: MaintenanceParameters,
  startTime: TimeNs,
): Promise<Cycle> {
  const { repository } = options;
  const { storage, format, clock, random } = repository;
  const { hash, secret } = format.content;
  const index = {
    storage,
    format,
    clock,
    random,
    hash: await createHashFunction(hash, secret),
    encryptor: createContentEncryptor(format.content, random),
  };
  const epochs = createEpochMaintenance(index);
  if (epochs === undefined) {
    throw new KopiaError(
      "NOT_IMPLEMENTED",
      "maintenance of repositories with the older index format is not available yet",
    );
  }
  await repository.refresh();
  await repository.contents.assertIndexPresent();
  return {
    repository,
    safety: SAFETY[options.safety ?? "full"],
    parameters,
    index,
    epochs,
    startTime,
    dryRun: options.dryRun ?? false,
    allowLargeDeletion: options.allowLargeDeletion ?? false,
    tell: options.onMessage ?? (() => {}),
    schedule: await loadSchedule(repository),
  };
}

async function runCycle(mode: "quick" | "full", cycle: Cycle): Promise<void> {
  if (mode === "full") await runFullDeletions(cycle);
  await task(cycle, "compact-single-epoch", compactSingleEpoch);
  await task(cycle, "advance-epoch", advanceEpoch);
  if (mode === "quick") return;
  await task(cycle, "generate-epoch-range-index", compactRange);
  await task(cycle, "cleanup-epoch-markers", cleanupMarkers);
  await task(cycle, "delete-superseded-epoch-indexes", cleanupSuperseded);
  await task(cycle, "cleanup-logs", cleanupLogs);
}

async function runFullDeletions(cycle: Cycle): Promise<void> {
  const { repository, safety } = cycle;
  const now = (): TimeNs => repository.clock.now();
  await task(cycle, "snapshot-gc", collectGarbage);
  await repository.refresh();
  if (mayRewriteInFullCycle(cycle.schedule.runs, safety)) {
    await task(cycle, "full-rewrite-contents", rewriteContents);
  }
  const dropTime = safeDropTime(cycle.schedule.runs, safety, now());
  if (dropTime !== undefined) {
    await task(cycle, "full-drop-deleted-content", () => dropDeleted(cycle, dropTime));
  }
  if (mayDeletePacks(cycle.schedule.runs, safety, now())) {
    await task(cycle, "full-delete-blobs", deletePacks);
  }
  if (cycle.parameters.extendObjectLocks && !cycle.dryRun) {
    throw new KopiaError("NOT_IMPLEMENTED", "extending object locks is not available yet");
  }
}

/** Runs one task and records it; a failure is recorded and ends the cycle (spec 3 §1.4). */
async function task(
  cycle: Cycle,
  name: string,
  run: (cycle: Cycle) => Promise<TaskResult>,
): Promise<void> {
  const { repository, dryRun } = cycle;
  const start = repository.clock.now();
  const record = async (outcome: { error: string; extra: TaskResult[] }): Promise<void> => {
    if (dryRun) return;
    cycle.schedule = withRun(cycle.schedule, name, {
      start,
      end: repository.clock.now(),
      success: outcome.error === "",
      error: outcome.error,
      extra: outcome.extra.map((entry) => parseJson(goStringify({ ...entry }))),
    });
    try {
      await saveSchedule(repository, cycle.schedule);
    } catch (error) {
      cycle.tell(`unable to record ${name}: ${errorMessage(error)}`);
    }
  };
  try {
    const result = await run(cycle);
    await record({ error: "", extra: [result] });
    cycle.tell(`${dryRun ? "would run " : ""}${name}: ${goStringify(result.data)}`);
  } catch (error) {
    await record({ error: errorMessage(error) || "failed", extra: [] });
    throw error;
  }
}

async function collectGarbage(cycle: Cycle): Promise<TaskResult> {
  const { repository, startTime, safety } = cycle;
  const plan = await planSnapshotGc({
    repository,
    startTime,
    minContentAgeNs: safety.minContentAgeNs,
  });
  if (!cycle.allowLargeDeletion) assertPlausible(plan);
  if (!cycle.dryRun) await executeSnapshotGc(repository, plan);
  return { kind: "snapshotGCStats", data: snapshotGcStats(plan) };
}

async function rewriteContents({ repository, safety, dryRun }: Cycle): Promise<TaskResult> {
  const plan = planRewrite(repository, safety);
  if (!dryRun) await executeRewrite(repository, plan);
  await repository.refresh();
  const data = {
    toRewriteContentCount: plan.toRewrite.length,
    toRewriteContentSize: plan.toRewriteBytes,
    rewrittenContentCount: plan.toRewrite.length,
    rewrittenContentSize: plan.toRewriteBytes,
    retainedContentCount: plan.retainedCount,
    retainedContentSize: plan.retainedBytes,
  };
  return {
    kind: "rewriteContentsStats",
    data: plan.toRewrite.length + plan.retainedCount === 0 ? null : data,
  };
}

async function dropDeleted(cycle: Cycle, dropTime: TimeNs): Promise<TaskResult> {
  const seconds = toUnixSeconds(dropTime);
  if (!cycle.dryRun) {
    await cycle.epochs.advanceWatermark(seconds);
    await cycle.repository.refresh();
  }
  const time = new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
  return { kind: "compactIndexesStats", data: { droppedContentsDeletedBefore: time } };
}

async function deletePacks(cycle: Cycle): Promise<TaskResult> {
  const { repository, index, safety, startTime } = cycle;
  const plan = await planPackDeletion({ repository, crypto: index, safety, startTime });
  if (!cycle.dryRun) await executePackDeletion(repository, plan);
  const deletedBytes = totalBytes(plan.toDelete);
  const retainedBytes = totalBytes(plan.retained);
  const data = {
    unreferencedPackCount: plan.toDelete.length + plan.retained.length,
    unreferencedTotalSize: deletedBytes + retainedBytes,
    deletedPackCount: plan.toDelete.length,
    deletedTotalSize: deletedBytes,
    retainedPackCount: plan.retained.length,
    retainedTotalSize: retainedBytes,
  };
  return { kind: "deleteUnreferencedPacksStats", data };
}

async function compactSingleEpoch({ epochs, dryRun }: Cycle): Promise<TaskResult> {
  const done = dryRun ? undefined : await epochs.compactSingleEpoch();
  const data = done && {
    supersededIndexBlobCount: done.inputs.length,
    supersededIndexTotalSize: totalBytes(done.inputs),
    epoch: done.epoch,
  };
  return { kind: "compactSingleEpochStats", data: data ?? null };
}

async function advanceEpoch({ epochs, repository, dryRun }: Cycle): Promise<TaskResult> {
  const advanced = dryRun ? undefined : await epochs.advanceIfDue();
  const currentEpoch = advanced ?? (await repository.currentEpoch()) ?? 0;
  return { kind: "advanceEpochStats", data: { currentEpoch, wasAdvanced: advanced !== undefined } };
}

async function compactRange({ epochs, dryRun }: Cycle): Promise<TaskResult> {
  const done = dryRun ? undefined : await epochs.compactRange();
  const range = /^xr(\d+)_(\d+)_/.exec(done?.outputs[0]?.id ?? "");
  const data = range && { rangeMinEpoch: Number(range[1]), rangeMaxEpoch: Number(range[2]) };
  return { kind: "generateRangeCheckpointStats", data };
}

async function cleanupMarkers({ epochs, dryRun }: Cycle): Promise<TaskResult> {
  const ids = dryRun ? await epochs.planMarkerCleanup() : await epochs.cleanupMarkers();
  const watermarks = ids.filter((id) => id.startsWith("xw")).length;
  const data = {
    deletedEpochMarkerBlobCount: ids.length - watermarks,
    deletedWatermarkBlobCount: watermarks,
  };
  return { kind: "cleanupMarkersStats", data: ids.length === 0 ? null : data };
}

async function cleanupSuperseded({ epochs, dryRun }: Cycle): Promise<TaskResult> {
  const plan = await epochs.planSupersededCleanup();
  const planned = plan.flatMap(({ superseded }) => superseded);
  const deleted = dryRun ? planned.map(({ id }) => id) : (await epochs.cleanupSuperseded()).deleted;
  if (deleted.length === 0) return { kind: "cleanupSupersededIndexesStats", data: null };
  const newest = plan.flatMap(({ compaction }) => compaction.map(({ timestamp }) => timestamp));
  const latest = newest.reduce((a, b) => (a > b ? a : b));
  const data = {
    maxReplacementTime: new Date(toUnixSeconds(latest) * 1000).toISOString(),
    deletedBlobCount: deleted.length,
    deletedTotalSize: totalBytes(planned.filter(({ id }) => deleted.includes(id))),
  };
  return { kind: "cleanupSupersededIndexesStats", data };
}

async function cleanupLogs({ repository, parameters, dryRun }: Cycle): Promise<TaskResult> {
  const { toDelete, retained } = await planLogCleanup(repository, parameters.logRetention);
  if (!dryRun) for (const { id } of toDelete) await repository.storage.delete(id);
  const data = {
    toDeleteBlobCount: toDelete.length,
    toDeleteBlobSize: totalBytes(toDelete),
    deletedBlobCount: toDelete.length,
    deletedBlobSize: totalBytes(toDelete),
    retainedBlobCount: retained.length,
    retainedBlobSize: totalBytes(retained),
  };
  return { kind: "cleanupLogsStats", data: toDelete.length === 0 ? null : data };
}

function totalBytes(blobs: readonly { readonly lengthBytes: number }[]): number {
  return blobs.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
}
