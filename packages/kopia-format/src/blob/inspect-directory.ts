import * as fs from "node:fs";
import { join } from "node:path";
import type { TimeNs } from "../base/clock.ts";
import { isKopiaError, type KopiaError } from "../base/errors.ts";
import {
  blobLocation,
  BLOB_SUFFIX,
  decodeShards,
  SHARDS_FILE,
  SHARDS_OF_OLD_REPOSITORIES,
  UNSHARDED_LENGTH,
  type ShardParameters,
} from "./shards.ts";
import type { BlobId, BlobMetadata } from "./storage.ts";
import { storageError } from "./system-error.ts";
import { systemErrorCode } from "../base/system-error-code.ts";

/** Files of one kind: how many, how much, and some of them by name. */
export interface FileTally {
  readonly count: number;
  readonly totalBytes: number;
  /** Paths below the storage directory, at most ten. */
  readonly examples: readonly string[];
  /** Oldest modification. */
  readonly oldest: TimeNs | undefined;
}

/** What lies in the directory of a filesystem storage, looked at as files (spec 1 §1). */
export interface DirectoryInspection {
  readonly blobs: FileTally;
  /** Blobs that are not where `.shards` says: they are listed, and cannot be read. */
  readonly misplaced: FileTally;
  /** Leftovers of interrupted writes, or writes under way: `….f.tmp.…`. */
  readonly temporary: FileTally;
  /** Neither blobs nor anything that Kopia or a file system puts there. */
  readonly foreign: FileTally;
  /** Files and directories that this user may not read. */
  readonly unreadable: FileTally;
  /** Files and directories that others may write, or their owner may not read or write. */
  readonly oddModes: FileTally;
  /** Number of files by owner, `uid:gid`. */
  readonly owners: ReadonlyMap<string, number>;
  /** Why `.shards` cannot be used; the layout is unknown then, and nothing is called misplaced. */
  readonly shardsError: KopiaError | undefined;
}

/** What is to be done with what the walk meets. */
export interface InspectDirectoryOptions {
  /** Tells blob IDs that belong to a repository; other files with the suffix are foreign. Default: all do. */
  readonly isKnown?: (id: BlobId) => boolean;
  /** Told about every blob and its absolute path: so that the storage need not be listed a second time. */
  readonly onBlob?: (blob: BlobMetadata, path: string) => void;
}

const MAX_EXAMPLES = 10;
/** Put there by file systems, desktops and this program's own locks. */
const NEUTRAL_NAMES = /^(?:lost\+found|\.snapshot|\.snap|\.DS_Store|\.kopia-[a-z-]+)$/;
const TEMPORARY_NAME = /\.tmp\.[0-9a-f]+$/;
const WRITABLE_BY_OTHERS = 0o002;
const OWNER_READ_WRITE = 0o600;

/**
 * Walks the directory of a filesystem storage; nothing is written and no file is opened but `.shards`.
 * @throws KopiaError `STORAGE_UNAVAILABLE`, `STORAGE_PERMISSION` when the directory itself cannot be read.
 */
export function inspectDirectory(
  path: string,
  options: InspectDirectoryOptions = {},
): DirectoryInspection {
  const tallies = {
    blobs: newTally(),
    misplaced: newTally(),
    temporary: newTally(),
    foreign: newTally(),
    unreadable: newTally(),
    oddModes: newTally(),
  };
  const { isKnown = () => true, onBlob = () => undefined } = options;
  const owners = new Map<string, number>();
  const { shards, error: shardsError } = readShards(path);
  const pending: { readonly relative: string; readonly idPrefix: string }[] = [
    { relative: "", idPrefix: "" },
  ];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const { relative, idPrefix } = directory;
    let entries: fs.Dirent[];
    try {
      entries = fs.readdirSync(join(path, relative), { withFileTypes: true });
    } catch (error) {
      if (relative === "") throw storageError(error, { action: "list", path });
      if (systemErrorCode(error) !== "ENOENT") count(tallies.unreadable, relative);
      continue;
    }
    for (const entry of entries) {
      const file = relative === "" ? entry.name : `${relative}/${entry.name}`;
      if (NEUTRAL_NAMES.test(entry.name)) continue;
      const stats = statOf(join(path, file));
      if (stats === undefined) continue;
      const owner = `${stats.uid}:${stats.gid}`;
      owners.set(owner, (owners.get(owner) ?? 0) + 1);
      const mode = Number(stats.mode);
      if ((mode & OWNER_READ_WRITE) !== OWNER_READ_WRITE || (mode & WRITABLE_BY_OTHERS) !== 0) {
        count(tallies.oddModes, file, stats);
      }
      if (entry.isDirectory()) {
        pending.push({ relative: file, idPrefix: idPrefix + entry.name });
      } else
        classify({
          file,
          id: idPrefix + entry.name,
          stats,
          shards,
          isKnown,
          onBlob: (blob) => onBlob(blob, join(path, file)),
          tallies,
        });
    }
  }
  return { ...tallies, owners, shardsError };
}

type Tally = { -readonly [Key in keyof FileTally]: FileTally[Key] } & { examples: string[] };

function classify(found: {
  readonly file: string;
  readonly id: string;
  readonly stats: fs.BigIntStats;
  readonly shards: ShardParameters | undefined;
  readonly isKnown: (id: BlobId) => boolean;
  readonly onBlob: (blob: BlobMetadata) => void;
  readonly tallies: Readonly<Record<"blobs" | "misplaced" | "temporary" | "foreign", Tally>>;
}): void {
  const { file, id, stats, shards, isKnown, onBlob, tallies } = found;
  if (file === SHARDS_FILE) return;
  if (TEMPORARY_NAME.test(file)) return count(tallies.temporary, file, stats);
  const blobId = id.endsWith(BLOB_SUFFIX) ? id.slice(0, -BLOB_SUFFIX.length) : undefined;
  if (blobId !== undefined) {
    onBlob({ id: blobId, lengthBytes: Number(stats.size), timestamp: stats.mtimeNs });
  }
  if (blobId === undefined || !stats.isFile() || !isKnown(blobId)) {
    return count(tallies.foreign, file, stats);
  }
  count(tallies.blobs, file, stats);
  if (shards === undefined) return;
  const place = locationOf(shards, blobId);
  if (place !== file) count(tallies.misplaced, file, stats);
}

function locationOf(shards: ShardParameters, id: string): string | undefined {
  try {
    const { directories, file } = blobLocation(shards, id);
    return [...directories, file].join("/");
  } catch (error) {
    if (isKopiaError(error, "ARGUMENT_INVALID")) return undefined;
    throw error;
  }
}

function readShards(path: string): { shards?: ShardParameters; error?: KopiaError } {
  try {
    return { shards: decodeShards(fs.readFileSync(join(path, SHARDS_FILE))) };
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") {
      return {
        shards: {
          default: SHARDS_OF_OLD_REPOSITORIES,
          maxNonShardedLength: UNSHARDED_LENGTH,
          overrides: [],
        },
      };
    }
    return { error: storageError(error, { action: "read", path: join(path, SHARDS_FILE) }) };
  }
}

function statOf(path: string): fs.BigIntStats | undefined {
  try {
    return fs.lstatSync(path, { bigint: true });
  } catch {
    // Gone meanwhile.
    return undefined;
  }
}

function newTally(): Tally {
  return { count: 0, totalBytes: 0, examples: [], oldest: undefined };
}

function count(tally: Tally, file: string, stats?: fs.BigIntStats): void {
  tally.count++;
  if (tally.examples.length < MAX_EXAMPLES) tally.examples.push(file);
  if (stats === undefined) return;
  tally.totalBytes += Number(stats.size);
  if (tally.oldest === undefined || stats.mtimeNs < tally.oldest) tally.oldest = stats.mtimeNs;
}
