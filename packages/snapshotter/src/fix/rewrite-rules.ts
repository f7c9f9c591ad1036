import {
  KopiaError,
  errorMessage,
  isKopiaError,
  releaseBytes,
  type ObjectStore,
  type RandomBytes,
} from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { ObjectChecker } from "../verify/object-checker.ts";
import { writeStubEntry } from "./stub-entry.ts";
import type {
  InvalidDirectoryHandling,
  InvalidFileHandling,
  RewriteRules,
} from "./tree-rewriter.ts";

/** What `invalidFilesRules` is told. */
export interface InvalidFilesOptions {
  readonly checker: ObjectChecker;
  readonly objects: ObjectStore;
  readonly invalidFiles: InvalidFileHandling;
  readonly invalidDirectories: InvalidDirectoryHandling;
  /** Probability in percent of reading a file completely. */
  readonly verifyFilesPercent: number;
  readonly random: RandomBytes;
  /** Told about every file that cannot be read, whatever becomes of it. */
  readonly onInvalid: (path: string, reason: string) => void;
}

/** `snapshot fix invalid-files`: entries that cannot be read are replaced, removed or kept. */
export function invalidFilesRules(options: InvalidFilesOptions): RewriteRules {
  const { invalidFiles, invalidDirectories, onInvalid } = options;
  return {
    invalidDirectories,
    async rewriteEntry(entry, path, objects) {
      const problem = await problemOf(entry, options);
      if (problem === undefined) return entry;
      onInvalid(path, problem.message);
      if (invalidFiles === "fail") throw problem;
      if (invalidFiles === "keep") return entry;
      return invalidFiles === "remove"
        ? undefined
        : writeStubEntry(objects, entry, problem.message);
    },
  };
}

/** What `removeFilesRules` is told. */
export interface RemoveFilesOptions {
  readonly objectIds: ReadonlySet<string>;
  /** Whether a file name is one of those to be removed. */
  readonly matchesName: (name: string) => boolean;
  readonly invalidDirectories: InvalidDirectoryHandling;
  readonly onRemove: (path: string) => void;
}

/**
 * `snapshot fix remove-files`: files and directories are removed by object ID or name. The root of a snapshot
 * always stays.
 */
export function removeFilesRules(options: RemoveFilesOptions): RewriteRules {
  const { objectIds, matchesName, invalidDirectories, onRemove } = options;
  const isRemoved = ({ objectId, name }: DirectoryEntry, path: string): boolean => {
    if (!objectIds.has(objectId) && !matchesName(name)) return false;
    onRemove(path);
    return true;
  };
  return {
    invalidDirectories,
    removesDirectory: isRemoved,
    // oxlint-disable-next-line require-await -- the other rules read
    async rewriteEntry(entry, path) {
      return isRemoved(entry, path) ? undefined : entry;
    },
  };
}

async function problemOf(
  entry: DirectoryEntry,
  options: InvalidFilesOptions,
): Promise<KopiaError | undefined> {
  const { checker, objects, verifyFilesPercent, random } = options;
  try {
    await checker.check(entry.objectId);
    if (!isChosen(verifyFilesPercent, random)) return undefined;
    const reader = await objects.openObject(entry.objectId);
    for await (const piece of reader.chunks()) releaseBytes(piece);
    return undefined;
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    if (/^(?:object|verify object)/.test(error.message)) return error;
    return new KopiaError(
      error.code,
      `error reading object ${entry.objectId}: ${errorMessage(error)}`,
      { details: error.details, cause: error },
    );
  }
}

function isChosen(percent: number, random: RandomBytes): boolean {
  if (percent <= 0 || percent >= 100) return percent >= 100;
  const bytes = random(4);
  const fraction = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32;
  return fraction * 100 < percent;
}
