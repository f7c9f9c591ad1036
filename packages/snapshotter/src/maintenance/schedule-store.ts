import {
  EMPTY_SCHEDULE,
  MAINTENANCE_BLOB_ID,
  decodeMaintenanceBlob,
  encodeMaintenanceBlob,
  isKopiaError,
  type Bytes,
  type MaintenanceRun,
  type MaintenanceSchedule,
  type Repository,
} from "@kopia-engine/kopia-format";

/** Reads `kopia.maintenance`; a missing one is an empty schedule. @throws KopiaError `MAINTENANCE_CORRUPT`. */
export async function loadSchedule(
  repository: Pick<Repository, "storage" | "format">,
): Promise<MaintenanceSchedule> {
  const { storage, format } = repository;
  try {
    return decodeMaintenanceBlob(format, await storage.get(MAINTENANCE_BLOB_ID));
  } catch (error) {
    if (isKopiaError(error, "BLOB_NOT_FOUND")) return EMPTY_SCHEDULE;
    throw error;
  }
}

/** Writes `kopia.maintenance`; the last writer wins, as in Kopia. @returns the blob. */
export async function saveSchedule(
  repository: Pick<Repository, "storage" | "format" | "random">,
  schedule: MaintenanceSchedule,
): Promise<Bytes> {
  const { storage, format, random } = repository;
  const blob = encodeMaintenanceBlob(format, schedule, random);
  await storage.put(MAINTENANCE_BLOB_ID, blob);
  return blob;
}

/** The schedule with one more run; tasks that this program does not know stay. */
export function withRun(
  schedule: MaintenanceSchedule,
  task: string,
  run: MaintenanceRun,
): MaintenanceSchedule {
  const runs = new Map(schedule.runs);
  runs.set(task, [run, ...(runs.get(task) ?? [])]);
  return { ...schedule, runs };
}
