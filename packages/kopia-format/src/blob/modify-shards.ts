import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { KopiaError } from "../base/errors.ts";
import type { RandomBytes } from "../base/random.ts";
import { toHex } from "../base/bytes.ts";
import {
  blobLocation,
  BLOB_SUFFIX,
  decodeShards,
  encodeShards,
  SHARDS_FILE,
  SHARDS_OF_OLD_REPOSITORIES,
  UNSHARDED_LENGTH,
  type ShardParameters,
} from "./shards.ts";
import { storageError } from "./system-error.ts";
import { makeDirectories } from "../base/make-directories.ts";
import { systemErrorCode } from "../base/system-error-code.ts";

/** A file that changes its place, both as absolute paths. */
export interface ShardMove {
  readonly from: string;
  readonly to: string;
}

/** What a change of the layout takes. */
export interface ShardPlan {
  readonly path: string;
  readonly parameters: ShardParameters;
  /** In order of the paths. */
  readonly moves: readonly ShardMove[];
  readonly unchangedCount: number;
}

/** Told about each step, before it is done. */
export interface ShardObserver {
  readonly onRemoveDirectory?: (path: string) => void;
}

const TEMPORARY_RANDOM_BYTES = 8;

/**
 * The layout of a storage directory as stored.
 * @throws KopiaError `STORAGE_BAD_SHARDS`, storage errors.
 */
export function readShardParameters(path: string): ShardParameters {
  const file = join(path, SHARDS_FILE);
  try {
    return decodeShards(fs.readFileSync(file));
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") {
      throw storageError(error, { action: "read", path: file });
    }
    return {
      default: SHARDS_OF_OLD_REPOSITORIES,
      maxNonShardedLength: UNSHARDED_LENGTH,
      overrides: [],
    };
  }
}

/**
 * Finds out which blobs lie elsewhere than a layout puts them; changes nothing.
 * @throws KopiaError `BLOB_EXISTS` when two files would come to lie at one place, storage errors.
 */
export function planShardChange(path: string, parameters: ShardParameters): ShardPlan {
  const moves: ShardMove[] = [];
  const targets = new Map<string, string>();
  let unchangedCount = 0;
  for (const { file, id } of blobFiles(path)) {
    const { directories, file: name } = blobLocation(parameters, id);
    const to = join(path, ...directories, name);
    const from = join(path, file);
    const other = targets.get(to);
    if (other !== undefined) throw twoFiles(id, from, other);
    targets.set(to, from);
    if (to === from) unchangedCount++;
    else moves.push({ from, to });
  }
  moves.sort((a, b) => (a.from < b.from ? -1 : 1));
  return { path, parameters, moves, unchangedCount };
}

/**
 * Moves the blobs and then writes `.shards`. Interrupted, it is completed by planning and running again: until
 * then blobs that were moved are out of reach. No client may run meanwhile.
 * @returns the number of empty directories that were removed.
 * @throws KopiaError storage errors.
 */
export function executeShardChange(
  plan: ShardPlan,
  random: RandomBytes,
  observer: ShardObserver = {},
): number {
  const { path, parameters, moves } = plan;
  try {
    for (const { from, to } of moves) {
      makeDirectories(dirname(to), modeOf(dirname(from)));
      fs.renameSync(from, to);
    }
    const removedCount = removeEmptyDirectories(path, observer);
    const file = join(path, SHARDS_FILE);
    const temporary = `${file}.tmp.${toHex(random(TEMPORARY_RANDOM_BYTES))}`;
    const handle = fs.openSync(temporary, "wx", 0o600);
    try {
      fs.writeFileSync(handle, encodeShards(parameters));
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(temporary, file);
    return removedCount;
  } catch (error) {
    throw storageError(error, { action: "write", path });
  }
}

function modeOf(directory: string): number {
  return fs.statSync(directory).mode & 0o777;
}

/** Directory names and file names together spell the ID, whatever the layout (spec 1 §1.2). */
function* blobFiles(path: string): Generator<{ readonly file: string; readonly id: string }> {
  const pending = [{ relative: "", idPrefix: "" }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { relative, idPrefix } = next;
    for (const entry of readDirectory(join(path, relative))) {
      const file = join(relative, entry.name);
      if (entry.isDirectory()) pending.push({ relative: file, idPrefix: idPrefix + entry.name });
      else if (entry.name.endsWith(BLOB_SUFFIX)) {
        yield { file, id: (idPrefix + entry.name).slice(0, -BLOB_SUFFIX.length) };
      }
    }
  }
}

function readDirectory(path: string): fs.Dirent[] {
  try {
    return fs.readdirSync(path, { withFileTypes: true });
  } catch (error) {
    throw storageError(error, { action: "list", path });
  }
}

function removeEmptyDirectories(path: string, observer: ShardObserver): number {
  let removedCount = 0;
  const visit = (directory: string): boolean => {
    let isEmpty = true;
    for (const entry of readDirectory(directory)) {
      const isGone = entry.isDirectory() && visit(join(directory, entry.name));
      isEmpty &&= isGone;
    }
    if (!isEmpty || directory === path) return false;
    observer.onRemoveDirectory?.(directory);
    fs.rmdirSync(directory);
    removedCount++;
    return true;
  };
  visit(path);
  return removedCount;
}

function twoFiles(id: string, path: string, otherPath: string): KopiaError {
  return new KopiaError(
    "BLOB_EXISTS",
    `blob ${id} lies at ${path} and at ${otherPath}: compare them, and remove one`,
    { details: { blobId: id, path, otherPath } },
  );
}
