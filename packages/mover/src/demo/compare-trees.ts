import {
  type BigIntStats,
  closeSync,
  lstatSync,
  openSync,
  readSync,
  readdirSync,
  readlinkSync,
} from "node:fs";
import { join } from "node:path";

/** Outcome of a comparison: what was looked at, and every difference in words. */
export interface TreeComparison {
  readonly fileCount: number;
  readonly directoryCount: number;
  readonly linkCount: number;
  readonly totalBytes: number;
  readonly differences: readonly string[];
}

/**
 * Compares a restored tree with its source: names, types, bytes, modes, owners, link targets, and times
 * to the nanosecond. A restored sub-directory carries the newest time inside it, as Kopia restores it
 * (spec 2 §10.2), so that is what its time is compared with; the root carries its own.
 */
export function compareTrees(source: string, restored: string): TreeComparison {
  const state: MutableComparison = {
    fileCount: 0,
    directoryCount: 0,
    linkCount: 0,
    totalBytes: 0,
    differences: [],
  };
  compareDirectory(state, { source, restored, relative: "." });
  return state;
}

type MutableComparison = { -readonly [K in keyof TreeComparison]: TreeComparison[K] } & {
  differences: string[];
};

interface Pair {
  readonly source: string;
  readonly restored: string;
  readonly relative: string;
}

/** Returns the directory's `maxTime` as a summary counts it (spec 2 §6.7). */
function compareDirectory(state: MutableComparison, pair: Pair): bigint {
  state.directoryCount++;
  const stat = lstatSync(pair.source, { bigint: true });
  const names = readdirSync(pair.source).filter((name) => isStorable(join(pair.source, name)));
  const restoredNames = new Set(readdirSync(pair.restored));
  let newest = names.length === 0 ? stat.mtimeNs : 0n;
  for (const name of names) {
    const child = {
      source: join(pair.source, name),
      restored: join(pair.restored, name),
      relative: join(pair.relative, name),
    };
    if (restoredNames.delete(name)) newest = max(newest, compareEntry(state, child));
    else state.differences.push(`${child.relative} was not restored`);
  }
  for (const extra of restoredNames)
    state.differences.push(`${join(pair.relative, extra)} is not in the source`);
  const wanted = pair.relative === "." ? stat.mtimeNs : newest;
  const other = lstatSync(pair.restored, { bigint: true });
  compareAttributes(state, { relative: pair.relative, stat, other, wanted });
  return newest;
}

/** Returns what the entry adds to its directory's `maxTime`. */
function compareEntry(state: MutableComparison, pair: Pair): bigint {
  const stat = lstatSync(pair.source, { bigint: true });
  const other = lstatSync(pair.restored, { bigint: true });
  if (kindOf(stat) !== kindOf(other)) {
    state.differences.push(`${pair.relative} is a ${kindOf(other)}, was a ${kindOf(stat)}`);
    return stat.mtimeNs;
  }
  if (stat.isDirectory()) return max(stat.mtimeNs, compareDirectory(state, pair));
  compareAttributes(state, { relative: pair.relative, stat, other, wanted: stat.mtimeNs });
  if (stat.isSymbolicLink()) {
    state.linkCount++;
    if (readlinkSync(pair.source) !== readlinkSync(pair.restored))
      state.differences.push(`${pair.relative} points elsewhere`);
  } else {
    state.fileCount++;
    state.totalBytes += Number(stat.size);
    if (!sameBytes(pair.source, pair.restored))
      state.differences.push(`${pair.relative} has other bytes`);
  }
  return stat.mtimeNs;
}

/** Compares two files piece by piece, so that their size does not matter. */
function sameBytes(pathA: string, pathB: string): boolean {
  const a = openSync(pathA, "r");
  const b = openSync(pathB, "r");
  try {
    for (;;) {
      const readA = readSync(a, BUFFER_A, 0, BUFFER_A.length, null);
      const readB = readSync(b, BUFFER_B, 0, BUFFER_B.length, null);
      if (readA !== readB) return false;
      if (readA === 0) return true;
      if (!BUFFER_A.subarray(0, readA).equals(BUFFER_B.subarray(0, readB))) return false;
    }
  } finally {
    closeSync(a);
    closeSync(b);
  }
}

const BUFFER_A = Buffer.alloc(2 ** 20);
const BUFFER_B = Buffer.alloc(2 ** 20);

function compareAttributes(
  state: MutableComparison,
  entry: {
    readonly relative: string;
    readonly stat: BigIntStats;
    readonly other: BigIntStats;
    readonly wanted: bigint;
  },
): void {
  const { relative, stat, other, wanted } = entry;
  const say = (what: string, was: bigint, is: bigint): void => {
    if (was !== is) state.differences.push(`${relative}: ${what} ${is}, was ${was}`);
  };
  say("mode", stat.mode & 0o7777n, other.mode & 0o7777n);
  say("owner", stat.uid, other.uid);
  say("group", stat.gid, other.gid);
  say("time in ns", wanted, other.mtimeNs);
}

function kindOf(stat: BigIntStats): string {
  return stat.isDirectory() ? "directory" : stat.isSymbolicLink() ? "link" : "file";
}

/** Sockets, pipes and devices are left out of snapshots (spec 2 §7.5). */
function isStorable(path: string): boolean {
  const stat = lstatSync(path);
  return stat.isDirectory() || stat.isFile() || stat.isSymbolicLink();
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
