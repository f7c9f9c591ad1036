import * as fs from "node:fs";
import { join } from "node:path";

const MB = 1_000_000;
const MS_PER_NS = 1e-6;

/** What a log directory may hold. */
export interface LogLimits {
  readonly maxFiles: number;
  readonly maxAgeNs: number;
  readonly maxTotalSizeMb: number;
}

/**
 * Removes the oldest logs beyond any of the limits (spec 3 §7.2). Files of other names stay.
 * @returns how many were removed. Never fails.
 */
export function sweepLogDirectory(directory: string, limits: LogLimits, nowMs: number): number {
  let removed = 0;
  let totalBytes = 0;
  for (const [index, { path, sizeBytes, mtimeMs }] of newestFirst(directory).entries()) {
    totalBytes += sizeBytes;
    const isTooOld = nowMs - mtimeMs > limits.maxAgeNs * MS_PER_NS;
    if (index < limits.maxFiles && !isTooOld && totalBytes <= limits.maxTotalSizeMb * MB) continue;
    try {
      fs.rmSync(path, { force: true });
      removed++;
    } catch {
      // Somebody else's: it stays.
    }
  }
  return removed;
}

interface LogFileState {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

function newestFirst(directory: string): readonly LogFileState[] {
  let names: string[];
  try {
    names = fs.readdirSync(directory);
  } catch {
    return [];
  }
  const files: LogFileState[] = [];
  for (const name of names) {
    if (!/^kopia-.*\.log$/.test(name)) continue;
    const path = join(directory, name);
    const stats = fs.lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isFile() === true)
      files.push({ path, sizeBytes: stats.size, mtimeMs: stats.mtimeMs });
  }
  return files.sort((a, b) => b.mtimeMs - a.mtimeMs);
}
