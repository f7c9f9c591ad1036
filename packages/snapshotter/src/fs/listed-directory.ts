import { type LocalEntry, entryFromNumbers, readLocalNames } from "./local-directory.ts";
import { type LocalName, type LocalPath, joinLocalPath } from "./local-path.ts";
import { ENTRY_NUMBER, lstatNumbers } from "./lstat-numbers.ts";

/** A listing as plain columns, to be posted to another thread. */
export interface ListingColumns {
  /** As `readLocalNames` gives them. */
  readonly names: readonly (string | LocalName)[];
  /** For each of the first names, the numbers of `ENTRY_NUMBER`; a mode of 0 where it has to be examined again. */
  readonly numbers: Float64Array<ArrayBuffer>;
}

/** Of a directory with more names the rest is examined when its turn comes: columns of all could be large. */
const MAX_EXAMINED_NAMES = 2 ** 13;

/** Lists a directory and examines its entries. @throws ListingError when it cannot be listed. */
export function listColumns(path: LocalPath): ListingColumns {
  const names = readLocalNames(path);
  const count = Math.min(names.length, MAX_EXAMINED_NAMES);
  const numbers = new Float64Array(count * ENTRY_NUMBER.count);
  for (let index = 0; index < count; index++) {
    const name = names[index] as string | LocalName;
    const entryPath = joinLocalPath(path, typeof name === "string" ? { name } : name);
    const at = index * ENTRY_NUMBER.count;
    if (!lstatNumbers(entryPath, numbers, at)) numbers[at + ENTRY_NUMBER.posixMode] = 0;
  }
  return { names, numbers };
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
    const { names, numbers } = this.columns;
    const at = index * ENTRY_NUMBER.count;
    if ((numbers[at + ENTRY_NUMBER.posixMode] ?? 0) === 0) return undefined;
    const name = names[index] as string | LocalName;
    return entryFromNumbers(typeof name === "string" ? { name } : name, numbers, at);
  }
}
