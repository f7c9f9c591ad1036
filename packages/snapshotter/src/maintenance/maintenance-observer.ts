import type { SnapshotGcPlan } from "../gc/snapshot-gc.ts";

/** Kinds of maintenance. */
export type MaintenanceMode = "quick" | "full";

/** Told what maintenance does, as it happens. */
export interface MaintenanceObserver {
  started?(mode: MaintenanceMode): void;
  /** A garbage collection knows what it found. */
  collected?(plan: SnapshotGcPlan): void;
  /** A task begins; those that are skipped are not told. */
  taskStarted?(task: string): void;
  /** Logs were deleted. */
  logsCleaned?(count: number): void;
  finished?(mode: MaintenanceMode): void;
  /** Something that does not stop maintenance. */
  note?(message: string): void;
}
