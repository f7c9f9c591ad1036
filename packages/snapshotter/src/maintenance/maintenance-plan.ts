import type { BlobMetadata, JsonInput } from "@kopia-engine/kopia-format";
import type { MaintenanceMode } from "./maintenance-observer.ts";
import type { Safety } from "./safety-parameters.ts";

/** What one task would do, for people and for programs. */
export interface TaskDescription {
  /** One line each, without a full stop. */
  readonly lines: readonly string[];
  /** Everything, every blob and content included. */
  readonly details: Readonly<Record<string, JsonInput>>;
  /** Blobs that would be deleted. */
  readonly deletes?: readonly BlobMetadata[];
}

/** One task of a plan. */
export interface PlannedTask extends TaskDescription {
  readonly task: string;
  /** False: left out this time. */
  readonly runs: boolean;
}

/** What a maintenance run would do now. */
export interface MaintenancePlan {
  readonly mode: MaintenanceMode;
  readonly safety: Safety;
  readonly tasks: readonly PlannedTask[];
}

/** The plan as JSON. */
export function maintenancePlanToJson({ mode, safety, tasks }: MaintenancePlan): JsonInput {
  return {
    mode,
    safety,
    tasks: tasks.map(({ task, runs, lines, details, deletes = [] }) => ({
      task,
      runs,
      summary: [...lines],
      ...details,
      deletedBlobs: deletes.map(({ id, lengthBytes }) => ({ id, length: lengthBytes })),
    })),
  };
}

/** Blobs counted with their lengths. */
export function totalBytes(blobs: readonly { readonly lengthBytes: number }[]): number {
  return blobs.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
}
