import { lstatSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { errorMessage, makeDirectories } from "@kopia-engine/kopia-format";
import type { CacheLimits } from "../environment/environment.ts";

/** Folders that hold nothing but copies of the repository, ours and the original's (spec 4 §2.4.2). */
const CACHE_FOLDERS = [
  "indexes",
  "index-blobs",
  "contents",
  "metadata",
  "blob-list",
  "own-writes",
  "server-contents",
  "blob-cache-v1",
];

/**
 * Empties the cache when the Job asks for it. Every entry of our cache carries its own check and a
 * damaged one is discarded when it is met, so nothing else is needed before a run.
 * @returns a warning when it could not be emptied: the run goes on all the same (spec 4 §0.4 item 2).
 */
export function prepareCache(directory: string, { rebuild }: CacheLimits): string | undefined {
  if (!rebuild) return undefined;
  const failures: string[] = [];
  for (const name of CACHE_FOLDERS) {
    try {
      const path = join(directory, name);
      // A link could lead to what is not ours to delete; without it nothing is cached there any more.
      if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
        rmSync(path, { recursive: true, force: true });
      else rmSync(path, { force: true });
    } catch (error) {
      failures.push(`${name}: ${errorMessage(error)}`);
    }
  }
  return failures.length === 0
    ? undefined
    : `The cache in ${directory} was not emptied completely (${failures.join("; ")})`;
}

/** How full the cache is. */
export interface CacheUsage {
  readonly usedBytes: number;
  readonly capacityBytes: number;
  readonly usedPercent: number;
}

/**
 * Bytes in the cache directory against its capacity: the smaller of what the operator says and what the
 * file system has, because the operator's figure is a guess for some volumes (spec 4 §1.6).
 */
export function measureCache(directory: string, limits: CacheLimits): CacheUsage | undefined {
  try {
    const usedBytes = directoryBytes(directory);
    const fileSystem = statfsSync(directory);
    const free = fileSystem.bavail * fileSystem.bsize;
    const capacityBytes = Math.min(limits.capacityBytes ?? Infinity, usedBytes + free);
    const usedPercent = capacityBytes === 0 ? 100 : Math.floor((usedBytes / capacityBytes) * 100);
    return { usedBytes, capacityBytes, usedPercent };
  } catch {
    return undefined;
  }
}

/** Makes the cache directory and its folder for logs; the mode of one that is there stays (spec 4 §2.1 step 6). */
export function makeCacheDirectory(directory: string): void {
  makeDirectories(join(directory, "logs"));
}

function directoryBytes(directory: string): number {
  let total = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) total += directoryBytes(path);
    else total += (lstatSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
  }
  return total;
}
