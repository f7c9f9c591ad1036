import {
  createContentEncryptor,
  createEpochMaintenance,
  createHashFunction,
  createV0IndexMaintenance,
  type ContentMarks,
  type EpochMaintenance,
  type IndexBlobManagerOptions,
  type MaintenanceSchedule,
  type Repository,
  type TimeNs,
  type V0IndexMaintenance,
} from "@kopia-engine/kopia-format";
import type { MaintenanceParameters } from "../model/maintenance-parameters.ts";
import type { BreakerSetting } from "./breaker.ts";
import type { MaintenanceMode, MaintenanceObserver } from "./maintenance-observer.ts";
import type { PlannedTask } from "./maintenance-plan.ts";
import type { Safety, SafetyParameters } from "./safety-parameters.ts";

/** Upkeep of the index in the repository's scheme. */
export type IndexUpkeep =
  | { readonly scheme: "epoch"; readonly epochs: EpochMaintenance }
  | { readonly scheme: "v0"; readonly v0: V0IndexMaintenance };

/** What a dry run would have changed so far, for the plans of the tasks after it. */
export interface SupposedChanges {
  /** Contents that would lie in other packs. */
  moved?: ContentMarks;
  /** Contents that would be marked deleted now. */
  marked?: ContentMarks;
  /** Deletions up to this time would be forgotten; Unix seconds. */
  dropSeconds?: number;
}

/** One run of maintenance, from its announcement on. */
export interface Cycle {
  readonly repository: Repository;
  readonly mode: MaintenanceMode;
  readonly safetyName: Safety;
  readonly safety: SafetyParameters;
  readonly parameters: MaintenanceParameters;
  readonly index: IndexBlobManagerOptions;
  readonly upkeep: IndexUpkeep;
  /** Storage's time of the start; this machine's in a dry run. */
  readonly startTime: TimeNs;
  readonly dryRun: boolean;
  readonly breaker: BreakerSetting;
  readonly observer: MaintenanceObserver;
  /** Contents that are marked deleted and cannot be read do not stop a rewrite. */
  readonly ignoreRewriteErrors: boolean;
  /** Probability, in percent, that a task is surrounded by checks of all index entries (spec 3 §1.15). */
  readonly verifyPercent: number;
  schedule: MaintenanceSchedule;
  /** The schedule blob as this run wrote it last. */
  writtenSchedule: Uint8Array | undefined;
  readonly planned: PlannedTask[];
  readonly supposed: SupposedChanges;
}

/** What index upkeep and session markers are read and written with. */
export async function indexOptions(repository: Repository): Promise<IndexBlobManagerOptions> {
  const { storage, format, clock, random } = repository;
  const { hash, secret } = format.content;
  return {
    storage,
    format,
    clock,
    random,
    hash: await createHashFunction(hash, secret),
    encryptor: createContentEncryptor(format.content, random),
  };
}

/** Upkeep in the scheme of the repository. */
export function indexUpkeep(index: IndexBlobManagerOptions): IndexUpkeep {
  const epochs = createEpochMaintenance(index);
  if (epochs !== undefined) return { scheme: "epoch", epochs };
  // One of the two always exists.
  return { scheme: "v0", v0: createV0IndexMaintenance(index) as V0IndexMaintenance };
}
