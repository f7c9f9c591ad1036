import * as fs from "node:fs";
import type { Bytes } from "./bytes.ts";
import { KopiaError } from "./errors.ts";
import { setTimesNs, setTimesNsOfFile, type FileTimes } from "./posix.ts";

/** The name of one entry inside a directory: text, or raw bytes where it is not UTF-8. */
export type EntryName = string | Uint8Array;

/** Owner to give to an entry. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/** How to open a file for writing. It is always created when missing. */
export interface FileOpenOptions {
  /** Mode of a new file; the umask applies on top. */
  readonly mode: number;
  /** Fail with `EEXIST` when there is an entry of this name. */
  readonly exclusive?: boolean;
  /** Empty an existing file. */
  readonly truncate?: boolean;
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC } =
  fs.constants;

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * A directory held open, for writers that must never be led out of a tree: every call names an entry
 * *inside* this very directory, even if somebody renames it or plants links meanwhile. Symbolic links
 * are never followed: to open one as a directory or a file fails (`ENOTDIR`, `ELOOP`).
 *
 * On Linux entries are reached through `/proc/self/fd/N/name`, which the kernel resolves from the open
 * descriptor; elsewhere through the path (`directoryHandlesAreSafe`).
 *
 * Every method throws the system error (`code`, `path`) when a call fails, and `KopiaError
 * RESTORE_UNSAFE_NAME` for a name that is empty, `.`, `..`, or has `/` or NUL.
 */
export class DirectoryHandle {
  /** For messages only. */
  readonly path: string;
  readonly fd: number;
  readonly #base: string;
  #open = true;

  /** Private by intent: use `openDirectoryHandle` and `openDirectory`. */
  constructor(path: string, fd: number) {
    this.path = path;
    this.fd = fd;
    this.#base = directoryHandlesAreSafe() ? `/proc/self/fd/${fd}/` : `${path}/`;
  }

  /** What is there, links themselves included; `undefined` when there is nothing. */
  lstat(name: EntryName): fs.BigIntStats | undefined {
    return fs.lstatSync(this.#entry(name), { bigint: true, throwIfNoEntry: false });
  }

  /** Raw names of all entries, in no promised order. */
  names(): Bytes[] {
    return fs.readdirSync(this.#base, { encoding: "buffer" });
  }

  /** Opens a subdirectory, never a link (`ENOTDIR`). */
  openDirectory(name: EntryName): DirectoryHandle {
    const fd = fs.openSync(this.#entry(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    return new DirectoryHandle(`${this.path}/${entryText(name)}`, fd);
  }

  /** Makes a subdirectory; the umask applies on top of the mode. */
  makeDirectory(name: EntryName, mode: number): void {
    fs.mkdirSync(this.#entry(name), { mode });
  }

  /** Opens a regular file for reading and writing, never through a link (`ELOOP`). The caller closes it. */
  openFileForWrite(name: EntryName, options: FileOpenOptions): number {
    const exclusive = options.exclusive === true ? O_EXCL : 0;
    const truncate = options.truncate === true ? O_TRUNC : 0;
    // O_NONBLOCK: a planted FIFO must not make the call wait for its other end.
    const flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | exclusive | truncate;
    const fd = fs.openSync(this.#entry(name), flags, options.mode);
    if (options.exclusive === true || fs.fstatSync(fd).isFile()) return fd;
    fs.closeSync(fd);
    throw new KopiaError(
      "RESTORE_TARGET",
      `${this.path}/${entryText(name)} exists and is not a regular file`,
      { details: { path: `${this.path}/${entryText(name)}` } },
    );
  }

  /** Makes a link; the target is stored as it is. */
  symlink(name: EntryName, target: string | Uint8Array): void {
    fs.symlinkSync(typeof target === "string" ? target : Buffer.from(target), this.#entry(name));
  }

  /** Raw target of a link. */
  readLink(name: EntryName): Bytes {
    return fs.readlinkSync(this.#entry(name), { encoding: "buffer" });
  }

  /** Removes a file or a link. */
  unlink(name: EntryName): void {
    fs.unlinkSync(this.#entry(name));
  }

  /** Removes an empty subdirectory. */
  removeDirectory(name: EntryName): void {
    fs.rmdirSync(this.#entry(name));
  }

  /** Renames within this directory, replacing a file of the new name. */
  rename(from: EntryName, to: EntryName): void {
    fs.renameSync(this.#entry(from), this.#entry(to));
  }

  /** Sets the owner of the entry itself, links included. */
  chown(name: EntryName, owner: FileOwner): void {
    fs.lchownSync(this.#entry(name), owner.uid, owner.gid);
  }

  /** Sets the times of the entry itself, links included; exact where `posixTimesAreExact()`. */
  setTimes(name: EntryName, times: FileTimes): void {
    setTimesNs(this.#entry(name), times);
  }

  /** Sets the permission bits of this directory. */
  chmodSelf(mode: number): void {
    fs.fchmodSync(this.fd, mode);
  }

  /** Sets the owner of this directory. */
  chownSelf(owner: FileOwner): void {
    fs.fchownSync(this.fd, owner.uid, owner.gid);
  }

  /** Sets the times of this directory. */
  setTimesSelf(times: FileTimes): void {
    setTimesNsOfFile(this.fd, times);
  }

  /** Attributes of this directory. */
  statSelf(): fs.BigIntStats {
    return fs.fstatSync(this.fd, { bigint: true });
  }

  /** Gives the descriptor back; later calls fail. Closing twice is harmless. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    fs.closeSync(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #entry(name: EntryName): string | Buffer {
    if (!this.#open) throw new Error(`the directory ${this.path} was closed`);
    if (!isSafeEntryName(name)) {
      throw new KopiaError(
        "RESTORE_UNSAFE_NAME",
        `${JSON.stringify(entryText(name))} cannot be the name of an entry in ${this.path}`,
        { details: { name: entryText(name), directory: this.path } },
      );
    }
    return typeof name === "string"
      ? this.#base + name
      : Buffer.concat([Buffer.from(this.#base), name]);
  }
}

/**
 * Opens the top directory of a tree. Links in `path` are followed: the user named it.
 *
 * @throws the system error, with `code` and `path`
 */
export function openDirectoryHandle(path: string): DirectoryHandle {
  return new DirectoryHandle(path, fs.openSync(path, O_RDONLY | O_DIRECTORY));
}

/** Whether a name denotes an entry inside a directory: not empty, `.`, `..`, and without `/` and NUL (spec 2 §6.5). */
export function isSafeEntryName(name: EntryName): boolean {
  if (typeof name === "string") {
    return (
      name !== "" && name !== "." && name !== ".." && !name.includes("/") && !name.includes("\0")
    );
  }
  const dots = name.length <= 2 && name.every((byte) => byte === DOT);
  return !dots && !name.includes(SLASH) && !name.includes(0);
}

const safety: { known: boolean | undefined } = { known: undefined };

/** Whether handles are immune to directories that are swapped meanwhile (Linux with `/proc`). */
export function directoryHandlesAreSafe(): boolean {
  safety.known ??= process.platform === "linux" && procHasDescriptors();
  return safety.known;
}

function procHasDescriptors(): boolean {
  const fd = fs.openSync("/", O_RDONLY | O_DIRECTORY);
  try {
    const direct = fs.fstatSync(fd, { bigint: true });
    const through = fs.statSync(`/proc/self/fd/${fd}/.`, { bigint: true, throwIfNoEntry: false });
    return through !== undefined && through.ino === direct.ino && through.dev === direct.dev;
  } finally {
    fs.closeSync(fd);
  }
}

function entryText(name: EntryName): string {
  return typeof name === "string" ? name : Buffer.from(name).toString();
}
