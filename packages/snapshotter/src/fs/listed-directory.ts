import {
  type LocalEntry,
  entryFromNumbers,
  lstatLocal,
  readLocalNames,
} from "./local-directory.ts";
import { type LocalName, type LocalPath, joinLocalPath } from "./local-path.ts";
import { NS_PER_SECOND } from "@kopia-engine/kopia-format";

/** A listing as plain columns, to be posted to another thread. */
export interface ListingColumns {
  /** As `readLocalNames` gives them. */
  readonly names: readonly (string | LocalName)[];
  /**
   * For each of the first names: mode, size in bytes, owner, group, and the modification time as whole seconds,
   * rounded down, and nanoseconds. A mode of 0 where `lstat` gave nothing.
   */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** Device of each of them. */
  readonly devices: BigInt64Array<ArrayBuffer>;
}

/** Places of the numbers of one entry. */
export const ENTRY_NUMBER = {
  posixMode: 0,
  sizeBytes: 1,
  uid: 2,
  gid: 3,
  mtimeSeconds: 4,
  mtimeNanoseconds: 5,
  count: 6,
} as const;

/** Of a directory with more names the rest is examined when its turn comes: columns of all could be large. */
const MAX_EXAMINED_NAMES = 2 ** 13;

/** Lists a directory and examines its entries. @throws ListingError when it cannot be listed. */
export function listColumns(path: LocalPath): ListingColumns {
  const names = readLocalNames(path);
  const count = Math.min(names.length, MAX_EXAMINED_NAMES);
  const numbers = new Float64Array(count * ENTRY_NUMBER.count);
  const devices = new BigInt64Array(count);
  for (let index = 0; index < count; index++) {
    const name = names[index] as string | LocalName;
    try {
      const entryPath = joinLocalPath(path, typeof name === "string" ? { name } : name);
      const stat = lstatLocal(entryPath);
      if (stat === undefined) continue;
      const at = index * ENTRY_NUMBER.count;
      // Such times the general way has to wrap.
      if (stat.mtimeNs < 0n) continue;
      numbers[at + ENTRY_NUMBER.sizeBytes] = Number(stat.size);
      numbers[at + ENTRY_NUMBER.uid] = Number(stat.uid);
      numbers[at + ENTRY_NUMBER.gid] = Number(stat.gid);
      numbers[at + ENTRY_NUMBER.mtimeSeconds] = Number(stat.mtimeNs / NS_PER_SECOND);
      numbers[at + ENTRY_NUMBER.mtimeNanoseconds] = Number(stat.mtimeNs % NS_PER_SECOND);
      devices[index] = stat.dev;
      numbers[at + ENTRY_NUMBER.posixMode] = Number(stat.mode);
    } catch {
      // Whoever needs the entry examines it again, and has the error to tell.
    }
  }
  return { names, numbers, devices };
}

/** A directory that was listed ahead. */
export class ListedDirectory {
  readonly names: readonly (string | LocalName)[];
  readonly columns: ListingColumns;

  constructor(columns: ListingColumns) {
    this.names = columns.names;
    this.columns = columns;
  }

  /** The entry of a name; `undefined` when nothing is known of it, and it has to be examined. */
  entryAt(index: number): LocalEntry | undefined {
    const { names, numbers, devices } = this.columns;
    const at = index * ENTRY_NUMBER.count;
    const posixMode = numbers[at] ?? 0;
    if (posixMode === 0) return undefined;
    const name = names[index] as string | LocalName;
    const seconds = BigInt(numbers[at + ENTRY_NUMBER.mtimeSeconds] as number);
    const nanoseconds = BigInt(numbers[at + ENTRY_NUMBER.mtimeNanoseconds] as number);
    return entryFromNumbers(typeof name === "string" ? { name } : name, {
      posixMode,
      sizeBytes: numbers[at + ENTRY_NUMBER.sizeBytes] as number,
      uid: numbers[at + ENTRY_NUMBER.uid] as number,
      gid: numbers[at + ENTRY_NUMBER.gid] as number,
      mtimeNs: seconds * NS_PER_SECOND + nanoseconds,
      device: devices[index] as bigint,
    });
  }
}
