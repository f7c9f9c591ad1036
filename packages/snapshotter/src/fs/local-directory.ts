import { type BigIntStats, type Dirent, lstatSync, readdirSync } from "node:fs";
import { goDecodeUtf8, NS_PER_SECOND } from "@kopia-engine/kopia-format";
import { entryModeFromPosix } from "../model/entry-mode.ts";
import { errnoText, errorCodeOf } from "./go-errno.ts";
import {
  type LocalName,
  type LocalPath,
  displayPath,
  joinLocalPath,
  nodePath,
} from "./local-path.ts";
import { ENTRY_NUMBER, lstatNumbers } from "./lstat-numbers.ts";

const TYPE_MASK = 0o170000;
const TYPE_DIRECTORY = 0o040000;
const TYPE_REGULAR = 0o100000;
const TYPE_SYMLINK = 0o120000;
const REPLACEMENT = "\ufffd";

/** What an entry is: file, directory, link, or anything else (device, FIFO, socket). */
export type LocalKind = "f" | "d" | "s" | "other";

/** One entry of a local directory as `lstat` sees it (spec 2 §7.1). */
export interface LocalEntry extends LocalName {
  readonly kind: LocalKind;
  readonly isDirectory: boolean;
  /** Permissions with Go's special bits (spec 2 §6.3). */
  readonly mode: number;
  /** 0 for directories. */
  readonly sizeBytes: number;
  /** Nanoseconds; times outside int64 wrap as Kopia's do. */
  readonly modTime: bigint;
  readonly uid: number;
  readonly gid: number;
  /** Of the file system; a double, which holds what Linux gives (32 bits). */
  readonly device: number;
}

/** An entry that cannot be examined. */
export interface UnreadableEntry extends LocalName {
  /** By the directory's own word. */
  readonly isDirectory: boolean;
  /** Kopia's error text. */
  readonly error: string;
}

/** A directory that cannot be listed; the message is the text that Kopia stores (spec 2 §6.7). */
export class ListingError extends Error {
  static {
    Object.defineProperty(this.prototype, "name", { value: "ListingError" });
  }
}

/**
 * Names in a local directory, sorted by UTF-16 code units (so nearly in stored order). Names that are
 * not UTF-8 come with their raw bytes.
 * @throws ListingError
 */
export function readLocalNames(path: LocalPath): (string | LocalName)[] {
  try {
    const names = readdirSync(nodePath(path), "utf8");
    // A replacement character may stand for invalid bytes: only then the raw names are needed.
    for (const name of names) {
      if (name.includes(REPLACEMENT)) return readRawNames(path);
    }
    return names.sort();
  } catch (error) {
    throw new ListingError(
      `cannot create iterator: unable to read directory: open ${displayPath(path)}: ${errnoText(error)}`,
    );
  }
}

/**
 * Examines one entry. `undefined` when it has vanished meanwhile.
 * @throws ListingError when it cannot be examined for another reason than permissions.
 */
export function readLocalEntry(
  directory: LocalPath,
  name: string | LocalName,
): LocalEntry | UnreadableEntry | undefined {
  const local = typeof name === "string" ? { name } : name;
  const path = joinLocalPath(directory, local);
  if (lstatNumbers(path, NUMBERS, 0)) return entryFromNumbers(local, NUMBERS, 0);
  let stat: BigIntStats | undefined;
  try {
    stat = lstatLocal(path);
  } catch (error) {
    const text = `lstat ${displayPath(path)}: ${errnoText(error)}`;
    if (errorCodeOf(error) !== "EACCES") throw new ListingError(text);
    return { ...local, isDirectory: isListedAsDirectory(directory, local), error: text };
  }
  return stat === undefined ? undefined : entryFromStat(local, stat);
}

const NUMBERS = new Float64Array(ENTRY_NUMBER.count);

/** Turns what `lstat` says into an entry. */
export function entryFromStat(local: LocalName, stat: BigIntStats): LocalEntry {
  return makeEntry(local, {
    posixMode: Number(stat.mode),
    sizeBytes: Number(stat.size),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    modTime: BigInt.asIntN(64, stat.mtimeNs),
    device: Number(stat.dev),
  });
}

/** As `entryFromStat`, of the numbers from `at` on (`ENTRY_NUMBER`). */
export function entryFromNumbers(local: LocalName, numbers: Float64Array, at: number): LocalEntry {
  const seconds = BigInt(numbers[at + ENTRY_NUMBER.mtimeSeconds] as number);
  const nanoseconds = BigInt(numbers[at + ENTRY_NUMBER.mtimeNanoseconds] as number);
  return makeEntry(local, {
    posixMode: numbers[at + ENTRY_NUMBER.posixMode] as number,
    sizeBytes: numbers[at + ENTRY_NUMBER.sizeBytes] as number,
    uid: numbers[at + ENTRY_NUMBER.uid] as number,
    gid: numbers[at + ENTRY_NUMBER.gid] as number,
    modTime: BigInt.asIntN(64, seconds * NS_PER_SECOND + nanoseconds),
    device: numbers[at + ENTRY_NUMBER.device] as number,
  });
}

function makeEntry(
  local: LocalName,
  stat: Pick<LocalEntry, "sizeBytes" | "modTime" | "uid" | "gid" | "device"> & {
    readonly posixMode: number;
  },
): LocalEntry {
  const { posixMode, modTime, uid, gid, device } = stat;
  const kind = kindOf(posixMode);
  const entry = {
    name: local.name,
    kind,
    isDirectory: kind === "d",
    mode: entryModeFromPosix(posixMode),
    sizeBytes: kind === "d" ? 0 : stat.sizeBytes,
    modTime,
    uid,
    gid,
    device,
  };
  return local.nameBytes === undefined ? entry : { ...entry, nameBytes: local.nameBytes };
}

/** `lstat` with exact times; `undefined` when there is nothing. @throws the system error */
export function lstatLocal(path: LocalPath): BigIntStats | undefined {
  return lstatSync(nodePath(path), LSTAT_OPTIONS);
}

const LSTAT_OPTIONS = { bigint: true, throwIfNoEntry: false } as const;

function kindOf(posixMode: number): LocalKind {
  switch (posixMode & TYPE_MASK) {
    case TYPE_REGULAR:
      return "f";
    case TYPE_DIRECTORY:
      return "d";
    case TYPE_SYMLINK:
      return "s";
    default:
      return "other";
  }
}

function readRawNames(path: LocalPath): (string | LocalName)[] {
  const raw = readdirSync(nodePath(path), { encoding: "buffer" });
  raw.sort((a, b) => Buffer.compare(a, b));
  return raw.map((bytes) => {
    const name = bytes.toString("utf8");
    if (!name.includes(REPLACEMENT) || Buffer.from(name, "utf8").equals(bytes)) return name;
    return { name: goDecodeUtf8(bytes), nameBytes: bytes };
  });
}

/** The kind according to the directory, for an entry that `lstat` may not see. */
function isListedAsDirectory(directory: LocalPath, local: LocalName): boolean {
  const wanted = local.nameBytes ?? Buffer.from(local.name, "utf8");
  let entries: Dirent<NonSharedBuffer>[];
  try {
    entries = readdirSync(nodePath(directory), { encoding: "buffer", withFileTypes: true });
  } catch {
    return false;
  }
  return entries.some((entry) => entry.isDirectory() && Buffer.compare(entry.name, wanted) === 0);
}
