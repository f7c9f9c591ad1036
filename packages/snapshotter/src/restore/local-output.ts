import { mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import {
  type DirectoryHandle,
  KopiaError,
  type RandomBytes,
  systemRandom,
  toHex,
} from "@kopia-engine/kopia-format";
import { errorCodeOf } from "../fs/go-errno.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { deleteEntry, deleteExtraEntries } from "./delete-extra.ts";
import { applyAttributes, applyLinkAttributes } from "./local-attributes.ts";
import { LocalDirectories, type LocalDirectory } from "./local-directories.ts";
import { LocalFile, type LocalFileOptions } from "./local-file.ts";
import type {
  DeletedCounts,
  OutputDirectory,
  OutputFile,
  RestoreOutput,
} from "./restore-output.ts";

/** Flags of a restore to the local filesystem; defaults are Kopia's (spec 2 §10.4, spec 3 §6.7). */
export interface LocalOutputOptions {
  readonly targetPath: string;
  /** Default true. */
  readonly overwriteDirectories?: boolean;
  /** Default true. */
  readonly overwriteFiles?: boolean;
  /** Default true. */
  readonly overwriteSymlinks?: boolean;
  readonly skipExisting?: boolean;
  readonly deleteExtra?: boolean;
  /** Files appear under their name only when they are whole. Sparse writing and flushing are ignored then. */
  readonly writeFilesAtomically?: boolean;
  readonly writeSparseFiles?: boolean;
  readonly flushFiles?: boolean;
  readonly skipOwners?: boolean;
  readonly skipPermissions?: boolean;
  readonly skipTimes?: boolean;
  /** Default true. */
  readonly ignorePermissionErrors?: boolean;
  /** Names of temporary files. Default: the system's. */
  readonly random?: RandomBytes;
}

/**
 * Restores below a directory of this machine, never outside of it: every name is one component, and no
 * link below the target is followed (spec 2 §10.4, §12.1 trap 24). Unlike Kopia it replaces a link or
 * a hard-linked file that stands where a file belongs, instead of writing through it.
 */
export function createLocalOutput(options: LocalOutputOptions): RestoreOutput {
  return new LocalOutput(options);
}

const INITIAL_DIRECTORY_MODE = 0o700;
const INITIAL_FILE_MODE = 0o600;
const PLACEHOLDER_SUFFIX = ".kopia-entry";
/** Times this close count as equal for `skipExisting` (spec 2 §10.4). */
const SAME_TIME_NS = 2_000_000_000n;

class LocalOutput implements RestoreOutput {
  readonly #options: LocalOutputOptions;
  readonly #fileOptions: LocalFileOptions;
  readonly #directories: LocalDirectories;
  readonly #random: RandomBytes;
  /** Parent of the target, for a snapshot of a single file. */
  #fileParent: LocalDirectory | undefined;
  readonly #fileParents: LocalDirectories;

  constructor(options: LocalOutputOptions) {
    this.#options = options;
    const isAtomic = options.writeFilesAtomically === true;
    this.#fileOptions = {
      skipOwners: options.skipOwners ?? false,
      skipPermissions: options.skipPermissions ?? false,
      skipTimes: options.skipTimes ?? false,
      ignorePermissionErrors: options.ignorePermissionErrors ?? true,
      isSparse: !isAtomic && options.writeSparseFiles === true,
      flush: !isAtomic && options.flushFiles === true,
    };
    this.#directories = new LocalDirectories(options.targetPath);
    this.#fileParents = new LocalDirectories(dirname(options.targetPath));
    this.#random = options.random ?? systemRandom;
  }

  openRoot(): OutputDirectory {
    const { targetPath } = this.#options;
    const stat = statSync(targetPath, { throwIfNoEntry: false });
    if (stat === undefined)
      mkdirSync(targetPath, { recursive: true, mode: INITIAL_DIRECTORY_MODE });
    else if (!stat.isDirectory()) throw inTheWay(targetPath, "is not a directory");
    else if (!this.#mayOverwriteDirectories() && readdirSync(targetPath).length > 0) {
      throw inTheWay(targetPath, "exists and is not empty");
    }
    return this.#directories.openRoot(stat !== undefined);
  }

  openDirectory(parentDirectory: OutputDirectory, entry: DirectoryEntry): OutputDirectory {
    const parent = parentDirectory as LocalDirectory;
    const handle = this.#directories.handleOf(parent);
    try {
      handle.makeDirectory(entry.name, INITIAL_DIRECTORY_MODE);
      return this.#directories.openChild(parent, entry.name, false);
    } catch (error) {
      if (errorCodeOf(error) !== "EEXIST") throw error;
      return this.#openExisting(parent, entry.name);
    }
  }

  deleteExtra(directory: OutputDirectory, entries: readonly DirectoryEntry[]): DeletedCounts {
    const local = directory as LocalDirectory;
    if (this.#options.deleteExtra !== true || !local.existed) return NOTHING_DELETED;
    return deleteExtraEntries(this.#directories.handleOf(local), entries);
  }

  finishDirectory(directory: OutputDirectory, entry: DirectoryEntry): void {
    const local = directory as LocalDirectory;
    const handle = this.#directories.handleOf(local);
    applyAttributes(handle.fd, entry, this.#fileOptions);
    this.#directories.release(local);
    if (local.parent !== undefined) this.#removePlaceholder(local.parent, local.name);
  }

  keepsExisting(parent: OutputDirectory | undefined, entry: DirectoryEntry): boolean {
    if (this.#options.skipExisting !== true) return false;
    const place = this.#placeOf(parent, entry);
    if (!place.directory.existed) return false;
    const stat = place.handle.lstat(place.name);
    if (stat === undefined) return false;
    if (entry.type === "s") return stat.isSymbolicLink();
    if (!stat.isFile() || stat.size !== entry.sizeBytes) return false;
    const apart = stat.mtimeNs - entry.modTime;
    return apart < SAME_TIME_NS && -apart < SAME_TIME_NS;
  }

  openFile(parent: OutputDirectory | undefined, entry: DirectoryEntry): OutputFile {
    const { directory, handle, name } = this.#placeOf(parent, entry);
    this.#removePlaceholder(directory, name);
    if (this.#options.writeFilesAtomically === true) {
      this.#checkReplaceable(handle, name);
      const writtenName = `.kopia-restore-${toHex(this.#random(8))}`;
      const fd = createFile(handle, writtenName);
      const opened = { directory: handle, fd, writtenName, finalName: name, isNew: true };
      return new LocalFile(opened, entry, this.#fileOptions);
    }
    const { fd, isNew } = this.#openInPlace(handle, name);
    const opened = { directory: handle, fd, writtenName: name, finalName: name, isNew };
    return new LocalFile(opened, entry, this.#fileOptions);
  }

  writeSymlink(
    parent: OutputDirectory | undefined,
    entry: DirectoryEntry,
    target: Uint8Array,
  ): void {
    const { directory, handle, name } = this.#placeOf(parent, entry);
    this.#removePlaceholder(directory, name);
    const stat = directory.existed ? handle.lstat(name) : undefined;
    if (stat !== undefined) {
      const path = `${handle.path}/${name}`;
      if (!stat.isSymbolicLink()) throw inTheWay(path, "exists and is not a symbolic link");
      if (this.#options.overwriteSymlinks === false) throw inTheWay(path, "exists already");
      handle.unlink(name);
    }
    handle.symlink(name, target);
    applyLinkAttributes(handle, { ...entry, name }, this.#fileOptions);
  }

  async close(): Promise<void> {
    this.#directories.closeAll();
    this.#fileParents.closeAll();
    await Promise.resolve();
  }

  #mayOverwriteDirectories(): boolean {
    return this.#options.overwriteDirectories ?? true;
  }

  #openExisting(parent: LocalDirectory, name: string): LocalDirectory {
    const handle = this.#directories.handleOf(parent);
    const path = `${handle.path}/${name}`;
    const stat = handle.lstat(name);
    if (stat?.isSymbolicLink() === true) {
      throw inTheWay(path, "is a symbolic link, and a restore does not follow links");
    }
    if (stat?.isDirectory() !== true) throw inTheWay(path, "is not a directory");
    const directory = this.#directories.openChild(parent, name, true);
    if (this.#mayOverwriteDirectories()) return directory;
    if (this.#directories.handleOf(directory).names().length > 0) {
      throw inTheWay(path, "exists and is not empty");
    }
    return directory;
  }

  #openInPlace(handle: DirectoryHandle, name: string): { fd: number; isNew: boolean } {
    try {
      return { fd: createFile(handle, name), isNew: true };
    } catch (error) {
      if (errorCodeOf(error) !== "EEXIST") throw error;
    }
    const stat = this.#checkReplaceable(handle, name);
    if (stat?.isFile() === true && stat.nlink === 1n) {
      try {
        const mode = INITIAL_FILE_MODE;
        return { fd: handle.openFileForWrite(name, { mode, truncate: true }), isNew: false };
      } catch (error) {
        // A read-only file can still be replaced.
        if (errorCodeOf(error) !== "EACCES") throw error;
      }
    }
    if (stat !== undefined) handle.unlink(name);
    return { fd: createFile(handle, name), isNew: true };
  }

  /** What stands where a file is to be written; refuses what may not be replaced. */
  #checkReplaceable(handle: DirectoryHandle, name: string): ReturnType<DirectoryHandle["lstat"]> {
    const stat = handle.lstat(name);
    if (stat === undefined) return undefined;
    const path = `${handle.path}/${name}`;
    if (stat.isDirectory()) throw inTheWay(path, "is a directory");
    if (this.#options.overwriteFiles === false) throw inTheWay(path, "exists already");
    return stat;
  }

  /** A shallow placeholder gives way to the real entry (spec 2 §10.4). */
  #removePlaceholder(directory: LocalDirectory, name: string): void {
    if (!directory.existed) return;
    const set = directory.parent === undefined ? this.#rootSetOf(directory) : this.#directories;
    const placeholder = `${name}${PLACEHOLDER_SUFFIX}`;
    if (Buffer.byteLength(placeholder) > 255) return;
    deleteEntry(set.handleOf(directory), placeholder);
  }

  #rootSetOf(directory: LocalDirectory): LocalDirectories {
    return directory === this.#fileParent ? this.#fileParents : this.#directories;
  }

  #placeOf(
    parent: OutputDirectory | undefined,
    entry: DirectoryEntry,
  ): { directory: LocalDirectory; handle: DirectoryHandle; name: string } {
    if (parent !== undefined) {
      const directory = parent as LocalDirectory;
      return { directory, handle: this.#directories.handleOf(directory), name: entry.name };
    }
    const { targetPath } = this.#options;
    if (this.#fileParent === undefined) {
      mkdirSync(dirname(targetPath), { recursive: true, mode: INITIAL_DIRECTORY_MODE });
      this.#fileParent = this.#fileParents.openRoot(true);
    }
    const directory = this.#fileParent;
    return { directory, handle: this.#fileParents.handleOf(directory), name: basename(targetPath) };
  }
}

const NOTHING_DELETED: DeletedCounts = { files: 0, directories: 0, symlinks: 0 };

function createFile(handle: DirectoryHandle, name: string): number {
  return handle.openFileForWrite(name, { mode: INITIAL_FILE_MODE, exclusive: true });
}

function inTheWay(path: string, problem: string): KopiaError {
  return new KopiaError("RESTORE_TARGET", `${path} ${problem}`, { details: { path } });
}
