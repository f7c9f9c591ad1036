import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock, TimeNs } from "@kopia-engine/kopia-format";

/** A clock that stands a minute after the last maintenance, or else the last change, of a recorded repository. */
export function clockOfRecording(path: string): Clock {
  let newest: TimeNs = 0n;
  let schedule: TimeNs | undefined;
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".f")) continue;
    const { mtimeNs } = lstatSync(join(entry.parentPath, entry.name), { bigint: true });
    if (entry.name === "kopia.maintenance.f") schedule = mtimeNs;
    if (mtimeNs > newest) newest = mtimeNs;
  }
  const now = newestPlausible(schedule, newest) + 60_000_000_000n;
  return { now: () => now, sleep: () => Promise.resolve() };
}

/** Blobs may be dated years ahead, which is one of the damages. */
function newestPlausible(schedule: TimeNs | undefined, newest: TimeNs): TimeNs {
  const yearNs = 365n * 86_400_000_000_000n;
  return schedule !== undefined && newest - schedule > yearNs ? schedule : newest;
}
