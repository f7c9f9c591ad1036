import type { Repository } from "@kopia-engine/kopia-format";
import { readTree, type TreeRow } from "@kopia-engine/test-fixtures";
import { createLocalOutput, resolveObjectPath, restoreTree } from "../src/index.ts";
import { tempDirectory } from "./temp-directory.ts";

const isRoot = process.getuid?.() === 0;

/** A row of a tree without what the real program restores otherwise. */
export type ComparableRow = TreeRow;

/** What a restore left behind. */
export interface RestoredRows {
  readonly rows: ComparableRow[];
  /** Paths that could not be restored. */
  readonly failures: readonly string[];
}

/** Restores a snapshot or object into a directory of its own, going on after failures, and reads that. */
export async function restoredRows(
  repository: Repository,
  objectPath: string,
): Promise<RestoredRows> {
  using directory = tempDirectory();
  const targetPath = directory.join("target");
  const failures: string[] = [];
  const { entry } = await resolveObjectPath(repository, objectPath);
  await restoreTree({
    repository,
    entry,
    output: createLocalOutput({ targetPath }),
    ignoreErrors: true,
    observer: { failed: ({ path }) => failures.push(path) },
  });
  return { rows: readTree(targetPath).map(comparableRow), failures };
}

/** The real program rounds times of links up to the microsecond; owners need root. */
export function comparableRow(row: TreeRow): ComparableRow {
  const [path, type, mode, size, mtimeNs, target, uid, gid] = row;
  const time = BigInt(mtimeNs);
  const shownTime = type === "l" ? ((time + 999n) / 1000n) * 1000n : time;
  const owner = isRoot ? ([uid, gid] as const) : ([0, 0] as const);
  return [path, type, Number.parseInt(mode, 8).toString(8), size, shownTime, target, ...owner];
}
