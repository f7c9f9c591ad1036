import {
  type DirectoryHandle,
  KopiaError,
  type RandomBytes,
  toHex,
} from "@kopia-engine/kopia-format";
import { errorCodeOf } from "../fs/go-errno.ts";
import { placeholderNameOf } from "../fs/placeholder.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { deleteEntry } from "./delete-extra.ts";
import { applyLinkAttributes } from "./local-attributes.ts";
import { LocalFile, type LocalFileOptions } from "./local-file.ts";

/** How files and links are written: plain data. */
export interface LocalEntryOptions {
  readonly overwriteFiles: boolean;
  readonly overwriteSymlinks: boolean;
  readonly writeFilesAtomically: boolean;
  readonly file: LocalFileOptions;
}

/** Where an entry goes. */
export interface LocalPlace {
  readonly handle: DirectoryHandle;
  /** The directory was there before the restore, so things may be in the way in it. */
  readonly existed: boolean;
  readonly name: string;
}

const INITIAL_FILE_MODE = 0o600;

/** Writes files and links into directories that are open; the same in every thread. */
export class LocalEntries {
  readonly #options: LocalEntryOptions;
  readonly #random: RandomBytes;

  constructor(options: LocalEntryOptions, random: RandomBytes) {
    this.#options = options;
    this.#random = random;
  }

  openFile(place: LocalPlace, entry: DirectoryEntry): LocalFile {
    const { handle, existed, name } = place;
    // It stays until the file is whole: till then it is the only way to the data.
    const placeholderName = existed ? placeholderNameOf(name) : undefined;
    if (this.#options.writeFilesAtomically) {
      this.#checkReplaceable(handle, name);
      const writtenName = `.kopia-restore-${toHex(this.#random(8))}`;
      const fd = createFile(handle, writtenName);
      const opened = {
        directory: handle,
        fd,
        writtenName,
        finalName: name,
        placeholderName,
        isNew: true,
      };
      return new LocalFile(opened, entry, this.#options.file);
    }
    const { fd, isNew } = this.#openInPlace(handle, name);
    const opened = {
      directory: handle,
      fd,
      writtenName: name,
      finalName: name,
      placeholderName,
      isNew,
    };
    return new LocalFile(opened, entry, this.#options.file);
  }

  writeSymlink(place: LocalPlace, entry: DirectoryEntry, target: Uint8Array): void {
    const { handle, name } = place;
    const stat = place.existed ? handle.lstat(name) : undefined;
    if (stat !== undefined) {
      const path = `${handle.path}/${name}`;
      if (!stat.isSymbolicLink()) throw inTheWay(path, "exists and is not a symbolic link");
      if (!this.#options.overwriteSymlinks) throw inTheWay(path, "exists already");
      handle.unlink(name);
    }
    handle.symlink(name, target);
    applyLinkAttributes(handle, { ...entry, name }, this.#options.file);
    this.removePlaceholder(place);
  }

  /** A shallow placeholder gives way to the real entry (spec 2 §10.4). */
  removePlaceholder({ handle, existed, name }: LocalPlace): void {
    if (!existed) return;
    const placeholderName = placeholderNameOf(name);
    if (placeholderName !== undefined) deleteEntry(handle, placeholderName);
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
    if (!this.#options.overwriteFiles) throw inTheWay(path, "exists already");
    return stat;
  }
}

function createFile(handle: DirectoryHandle, name: string): number {
  return handle.openFileForWrite(name, { mode: INITIAL_FILE_MODE, exclusive: true });
}

/** The error of something that stands where an entry belongs. */
export function inTheWay(path: string, problem: string, isRoot = false): KopiaError {
  return new KopiaError("RESTORE_TARGET", `${path} ${problem}`, {
    details: { path, problem, isRoot },
  });
}
