import { readdirSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { type RandomBytes, systemRandom, makeDirectories } from "@kopia-engine/kopia-format";
import { errorCodeOf } from "../fs/go-errno.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { deleteExtraEntries } from "./delete-extra.ts";
import { applyAttributes } from "./local-attributes.ts";
import { LocalDirectories, type LocalDirectory } from "./local-directories.ts";
import { LocalEntries, type LocalPlace, inTheWay } from "./local-entries.ts";
import type { LocalFileOptions } from "./local-file.ts";
import type { LentDirectory } from "./restore-job.ts";
import type {
  DeletedCounts,
  OutputDirectory,
  OutputFile,
  OutputThreads,
  RestoreOutput,
} from "./restore-output.ts";
import { writePlaceholder } from "./write-placeholder.ts";

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
  /** Names directly in the target that `deleteExtra` leaves alone, such as a file system's `lost+found`. */
  readonly sparedNames?: readonly string[];
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
/** Times this close count as equal for `skipExisting` (spec 2 §10.4). */
const SAME_TIME_NS = 2_000_000_000n;

class LocalOutput implements RestoreOutput {
  readonly threads: OutputThreads;
  readonly #options: LocalOutputOptions;
  readonly #fileOptions: LocalFileOptions;
  readonly #directories: LocalDirectories;
  readonly #entries: LocalEntries;
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
    const entryOptions = {
      overwriteFiles: options.overwriteFiles ?? true,
      overwriteSymlinks: options.overwriteSymlinks ?? true,
      writeFilesAtomically: isAtomic,
      file: this.#fileOptions,
    };
    this.#random = options.random ?? systemRandom;
    this.#entries = new LocalEntries(entryOptions, this.#random);
    this.threads = {
      options: entryOptions,
      lend: (directory) => this.#lend(directory as LocalDirectory),
      giveBack: (directory) => this.#directories.giveBack(directory as LocalDirectory),
    };
  }

  openRoot(): OutputDirectory {
    const { targetPath } = this.#options;
    const stat = statSync(targetPath, { throwIfNoEntry: false });
    if (stat === undefined) makeDirectories(targetPath, INITIAL_DIRECTORY_MODE);
    else if (!stat.isDirectory()) throw inTheWay(targetPath, "is not a directory", true);
    else if (!this.#mayOverwriteDirectories() && readdirSync(targetPath).length > 0) {
      throw inTheWay(targetPath, "exists and is not empty", true);
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
    const spared = local.parent === undefined ? (this.#options.sparedNames ?? []) : [];
    return deleteExtraEntries(this.#directories.handleOf(local), entries, spared);
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
    if (!place.existed) return false;
    const stat = place.handle.lstat(place.name);
    if (stat === undefined) return false;
    if (entry.type === "s") return stat.isSymbolicLink();
    if (!stat.isFile() || stat.size !== entry.sizeBytes) return false;
    const apart = stat.mtimeNs - entry.modTime;
    return apart < SAME_TIME_NS && -apart < SAME_TIME_NS;
  }

  openFile(parent: OutputDirectory | undefined, entry: DirectoryEntry): OutputFile {
    return this.#entries.openFile(this.#placeOf(parent, entry), entry);
  }

  writePlaceholder(parent: OutputDirectory, entry: DirectoryEntry): void {
    const handle = this.#directories.handleOf(parent as LocalDirectory);
    writePlaceholder(handle, entry, { attributes: this.#fileOptions, random: this.#random });
  }

  writeSymlink(
    parent: OutputDirectory | undefined,
    entry: DirectoryEntry,
    target: Uint8Array,
  ): void {
    this.#entries.writeSymlink(this.#placeOf(parent, entry), entry, target);
  }

  async close(): Promise<void> {
    this.#directories.closeAll();
    this.#fileParents.closeAll();
    await Promise.resolve();
  }

  #lend(directory: LocalDirectory): LentDirectory {
    const { fd, path } = this.#directories.lend(directory);
    return { fd, path, outputPath: directory.path, existed: directory.existed };
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

  /** A shallow placeholder gives way to the real entry (spec 2 §10.4). */
  #removePlaceholder(directory: LocalDirectory, name: string): void {
    if (!directory.existed) return;
    const set = directory.parent === undefined ? this.#rootSetOf(directory) : this.#directories;
    this.#entries.removePlaceholder({ handle: set.handleOf(directory), existed: true, name });
  }

  #rootSetOf(directory: LocalDirectory): LocalDirectories {
    return directory === this.#fileParent ? this.#fileParents : this.#directories;
  }

  #placeOf(parent: OutputDirectory | undefined, entry: DirectoryEntry): LocalPlace {
    if (parent !== undefined) {
      const directory = parent as LocalDirectory;
      const { existed } = directory;
      return { handle: this.#directories.handleOf(directory), existed, name: entry.name };
    }
    const { targetPath } = this.#options;
    if (this.#fileParent === undefined) {
      makeDirectories(dirname(targetPath), INITIAL_DIRECTORY_MODE);
      this.#fileParent = this.#fileParents.openRoot(true);
    }
    const handle = this.#fileParents.handleOf(this.#fileParent);
    return { handle, existed: this.#fileParent.existed, name: basename(targetPath) };
  }
}

const NOTHING_DELETED: DeletedCounts = { files: 0, directories: 0, symlinks: 0 };
