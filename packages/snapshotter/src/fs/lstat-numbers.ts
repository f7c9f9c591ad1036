import { type BigIntStats, lstatSync } from "node:fs";
import { NS_PER_SECOND } from "@kopia-engine/kopia-format";
import { type LocalPath, nodePath } from "./local-path.ts";

// `lstatSync` makes an object of some thirty numbers for every file, and with the exact times that are needed here most of
// them are bigints: to make and to collect them costs half as much as the system call. The function behind it fills one
// array that it keeps, where seconds and nanoseconds are numbers of their own, hence exact. Node reaches it by
// `process.binding`, which is old, deprecated and not described; so only versions of Node that were tried are asked,
// what they say is compared before use, anything that is not plain is left to the documented call, and without it that
// call does everything (docs/decisions/0023-direct-lstat.md).

/** Versions of Node that were tried: in another one wrong arguments could end the process rather than throw. */
const TRIED_VERSIONS: ReadonlySet<string> = new Set(["26.10.0"]);

/** Places of the numbers of one entry. */
export const ENTRY_NUMBER = {
  posixMode: 0,
  sizeBytes: 1,
  uid: 2,
  gid: 3,
  /** Whole seconds of the modification time, rounded down. */
  mtimeSeconds: 4,
  mtimeNanoseconds: 5,
  device: 6,
  count: 7,
} as const;

/**
 * Writes what `lstat` says of an entry to `numbers`, from `at` on, as `ENTRY_NUMBER` tells.
 * @returns false, with anything in the numbers, when the entry is missing, cannot be examined, or has a number that is not
 * exact as a double: `lstatLocal` knows more.
 */
export type LstatNumbers = (path: LocalPath, numbers: Float64Array, at: number) => boolean;

/** `lstat` by the documented call. */
export const documentedLstatNumbers: LstatNumbers = (path, numbers, at) => {
  let stat: BigIntStats | undefined;
  try {
    stat = lstatSync(nodePath(path), { bigint: true, throwIfNoEntry: false });
  } catch {
    return false;
  }
  if (stat === undefined) return false;
  numbers[at + ENTRY_NUMBER.posixMode] = Number(stat.mode);
  numbers[at + ENTRY_NUMBER.sizeBytes] = Number(stat.size);
  numbers[at + ENTRY_NUMBER.uid] = Number(stat.uid);
  numbers[at + ENTRY_NUMBER.gid] = Number(stat.gid);
  numbers[at + ENTRY_NUMBER.mtimeSeconds] = Number(stat.mtimeNs / NS_PER_SECOND);
  numbers[at + ENTRY_NUMBER.mtimeNanoseconds] = Number(stat.mtimeNs % NS_PER_SECOND);
  numbers[at + ENTRY_NUMBER.device] = Number(stat.dev);
  return isExact(numbers, at);
};

/** Places in the array of Node's. */
const FIELD = {
  device: 0,
  mode: 1,
  uid: 3,
  gid: 4,
  size: 8,
  mtimeSeconds: 12,
  mtimeNanoseconds: 13,
} as const;

/** Node's own function: path, whether bigints are wanted, a request when not to wait, whether a missing entry is an error. */
type NativeLstat = (
  path: string | Uint8Array,
  useBigint: false,
  request: undefined,
  throwIfNoEntry: false,
) => Float64Array | undefined;

/** `lstat` by a function like Node's own. */
export function lstatNumbersBy(lstat: NativeLstat): LstatNumbers {
  return (path, numbers, at) => {
    let fields: Float64Array | undefined;
    try {
      fields = lstat(nodePath(path), false, undefined, false);
    } catch {
      return false;
    }
    if (fields === undefined) return false;
    numbers[at + ENTRY_NUMBER.posixMode] = fields[FIELD.mode] as number;
    numbers[at + ENTRY_NUMBER.sizeBytes] = fields[FIELD.size] as number;
    numbers[at + ENTRY_NUMBER.uid] = fields[FIELD.uid] as number;
    numbers[at + ENTRY_NUMBER.gid] = fields[FIELD.gid] as number;
    numbers[at + ENTRY_NUMBER.mtimeSeconds] = fields[FIELD.mtimeSeconds] as number;
    numbers[at + ENTRY_NUMBER.mtimeNanoseconds] = fields[FIELD.mtimeNanoseconds] as number;
    numbers[at + ENTRY_NUMBER.device] = fields[FIELD.device] as number;
    return isExact(numbers, at);
  };
}

/** Times before 1970 have a negative part, in either way of cutting them. */
function isExact(numbers: Float64Array, at: number): boolean {
  for (let i = 0; i < ENTRY_NUMBER.count; i++) {
    const number = numbers[at + i] as number;
    // Written so that what is no number at all fails, too.
    if (!(number >= 0 && number <= Number.MAX_SAFE_INTEGER)) return false;
  }
  return true;
}

/**
 * `lstat` by the quickest way that gives the same as the documented call for these paths.
 * @param load brings Node's functions of files.
 */
export function quickestLstatNumbers(
  load: () => { readonly lstat?: NativeLstat } | undefined,
  probes: readonly string[],
): LstatNumbers {
  try {
    const lstat = load()?.lstat;
    if (typeof lstat !== "function") return documentedLstatNumbers;
    const quick = lstatNumbersBy(lstat);
    return probes.every((path) => isSame(quick, path)) ? quick : documentedLstatNumbers;
  } catch {
    return documentedLstatNumbers;
  }
}

function isSame(quick: LstatNumbers, path: string): boolean {
  const found = new Float64Array(ENTRY_NUMBER.count);
  const expected = new Float64Array(ENTRY_NUMBER.count);
  const isFound = quick(path, found, 0);
  if (isFound !== documentedLstatNumbers(path, expected, 0)) return false;
  return !isFound || found.every((number, i) => number === expected[i]);
}

type Binding = (name: string) => { readonly lstat?: NativeLstat };

/** `lstat` as numbers, by the quickest way that this Node has. */
export const lstatNumbers: LstatNumbers = quickestLstatNumbers(() => {
  if (!TRIED_VERSIONS.has(process.versions.node)) return undefined;
  const binding = Reflect.get(process, "binding") as Binding | undefined;
  return binding?.call(process, "fs");
}, [process.execPath, "/", `${process.execPath}/missing`]);

/** Whether Node's own function is used. */
export function isLstatDirect(): boolean {
  return lstatNumbers !== documentedLstatNumbers;
}
