import { KopiaError, type Repository, type TimeNs } from "@kopia-engine/kopia-format";
import { getMaintenanceParameters } from "../model/maintenance-parameters.ts";
import type { MaintenanceParameters } from "../model/maintenance-parameters.ts";
import { DEFAULT_BREAKER, type BreakerSetting } from "./breaker.ts";
import { indexOptions, indexUpkeep, type Cycle } from "./maintenance-cycle.ts";
import type { MaintenanceMode, MaintenanceObserver } from "./maintenance-observer.ts";
import type { MaintenancePlan } from "./maintenance-plan.ts";
import { SAFETY, type Safety } from "./safety-parameters.ts";
import { loadSchedule, saveSchedule } from "./schedule-store.ts";
import { runFullTasks, runQuickTasks } from "./task-lists.ts";
import { assertNoRetention } from "./tasks/extend-retention.ts";
import { assertWholeIndex, storageTimeOfStart } from "./trusted-storage.ts";

/** How maintenance runs. */
export interface MaintenanceOptions {
  readonly repository: Repository;
  /** `auto`: what the schedule says is due, if anything. */
  readonly mode: MaintenanceMode | "auto";
  /** `none` only where no other client of any kind is active. Default `full`. */
  readonly safety?: Safety;
  /** Ignores the owner. */
  readonly force?: boolean;
  /** How much may vanish unexplained. Default `DEFAULT_BREAKER`. */
  readonly breaker?: BreakerSetting;
  /** The repository was opened without a cache: its index blobs were read from the storage. Default false. */
  readonly isUncached?: boolean;
  /** `KOPIA_IGNORE_MAINTENANCE_REWRITE_ERROR` (spec 3 §1.8). */
  readonly ignoreRewriteErrors?: boolean;
  /** `KOPIA_MAINTENANCE_CONTENT_VERIFY_PERCENTAGE` (spec 3 §1.15). */
  readonly verifyPercent?: number;
  readonly observer?: MaintenanceObserver;
}

/** How maintenance runs for good. */
export interface RunMaintenanceOptions extends MaintenanceOptions {
  /** This once, as much as there is may vanish. */
  readonly allowLargeDeletion?: boolean;
  /** Takes the lock of this machine; `undefined` when another process holds it. */
  readonly lock?: () => Promise<(() => void) | undefined>;
}

/** What became of it. */
export type MaintenanceOutcome = MaintenanceMode | "not-due" | "busy";

/**
 * Runs maintenance in the exact order of spec 3 §1.4. What Kopia does not refuse is refused before the
 * schedule moves on, so that a refusal is not forgotten until the next interval.
 * @throws KopiaError `STORAGE_READ_ONLY`, `MAINTENANCE_NOT_OWNED`, `MAINTENANCE_CLOCK_SKEW`,
 *   `MAINTENANCE_REFUSED`, `MAINTENANCE_CORRUPT`, `NOT_IMPLEMENTED` for object locks, and those of the tasks.
 */
export async function runMaintenance(options: RunMaintenanceOptions): Promise<MaintenanceOutcome> {
  const { repository, observer } = options;
  const parameters = await ownedParameters(options);
  const mode = await dueMode(options, parameters);
  if (mode === undefined) return "not-due";
  const unlock = options.lock === undefined ? () => {} : await options.lock();
  if (unlock === undefined) return "busy";
  // One consistent view for each phase (trap T-15).
  const release = repository.contents.holdIndex();
  try {
    const breaker = options.allowLargeDeletion === true ? "off" : options.breaker;
    const cycle = await openCycle(options, { mode, parameters, breaker, dryRun: false });
    observer?.started?.(mode);
    await (mode === "full" ? runFullTasks(cycle) : runQuickTasks(cycle));
    observer?.finished?.(mode);
  } finally {
    release();
    unlock();
  }
  return mode;
}

/**
 * What `runMaintenance` would do now; writes nothing at all. With `auto` and nothing due: an empty quick plan.
 * @throws KopiaError as `runMaintenance`.
 */
export async function planMaintenance(options: MaintenanceOptions): Promise<MaintenancePlan> {
  const { repository, safety = "full" } = options;
  const parameters = await ownedParameters(options);
  const mode = await dueMode(options, parameters);
  if (mode === undefined) return { mode: "quick", safety, tasks: [] };
  const release = repository.contents.holdIndex();
  try {
    const { breaker } = options;
    const cycle = await openCycle(options, { mode, parameters, breaker, dryRun: true });
    await (mode === "full" ? runFullTasks(cycle) : runQuickTasks(cycle));
    return { mode, safety, tasks: cycle.planned };
  } finally {
    release();
  }
}

async function ownedParameters(options: MaintenanceOptions): Promise<MaintenanceParameters> {
  const { repository, force = false, mode } = options;
  const { client, storage, manifests } = repository;
  if (client.readOnly || storage.readOnly) {
    throw new KopiaError(
      "STORAGE_READ_ONLY",
      "not running maintenance on read-only repository connection",
    );
  }
  const parameters = await getMaintenanceParameters(manifests);
  const isOwner = parameters.owner === `${client.username}@${client.hostname}`;
  if (isOwner || (force && mode !== "auto")) return parameters;
  throw new KopiaError(
    "MAINTENANCE_NOT_OWNED",
    `maintenance must be run by designated user: ${parameters.owner}`,
    { details: { owner: parameters.owner } },
  );
}

async function dueMode(
  { mode, repository }: MaintenanceOptions,
  { full, quick }: MaintenanceParameters,
): Promise<MaintenanceMode | undefined> {
  if (mode !== "auto") return mode;
  const { nextFullMaintenance, nextQuickMaintenance } = await loadSchedule(repository);
  const now = repository.clock.now();
  if (full.enabled && now >= nextFullMaintenance) return "full";
  return quick.enabled && now >= nextQuickMaintenance ? "quick" : undefined;
}

/** Looks for what forbids maintenance, then announces it. */
async function openCycle(
  options: MaintenanceOptions,
  run: {
    readonly mode: MaintenanceMode;
    readonly parameters: MaintenanceParameters;
    readonly breaker: BreakerSetting | undefined;
    readonly dryRun: boolean;
  },
): Promise<Cycle> {
  const { repository, safety = "full" } = options;
  const { mode, parameters, dryRun } = run;
  if (mode === "full" && parameters.extendObjectLocks) assertNoRetention(repository);
  const index = await indexOptions(repository);
  const upkeep = indexUpkeep(index);
  await repository.refresh();
  const isLoadedFromStorage = options.isUncached ?? false;
  await assertWholeIndex(repository, index, { upkeep, isLoadedFromStorage });
  const announced = dryRun
    ? { startTime: repository.clock.now(), writtenSchedule: undefined }
    : await announce(repository, mode, parameters);
  return {
    repository,
    mode,
    safetyName: safety,
    safety: SAFETY[safety],
    parameters,
    index,
    upkeep,
    dryRun,
    breaker: run.breaker ?? DEFAULT_BREAKER,
    observer: options.observer ?? {},
    ignoreRewriteErrors: options.ignoreRewriteErrors ?? false,
    verifyPercent: options.verifyPercent ?? 0,
    schedule: await loadSchedule(repository),
    planned: [],
    supposed: {},
    ...announced,
  };
}

/** Moves the schedule on before working, and reads the storage's time off it. */
async function announce(
  repository: Repository,
  mode: MaintenanceMode,
  { full, quick }: MaintenanceParameters,
): Promise<{ startTime: TimeNs; writtenSchedule: Uint8Array }> {
  const schedule = await loadSchedule(repository);
  const now = repository.clock.now();
  const writtenSchedule = await saveSchedule(repository, {
    ...schedule,
    nextQuickMaintenance: now + BigInt(quick.intervalNs),
    nextFullMaintenance:
      mode === "full" ? now + BigInt(full.intervalNs) : schedule.nextFullMaintenance,
  });
  const startTime = await storageTimeOfStart(repository);
  await repository.refresh();
  return { startTime, writtenSchedule };
}
