import { type DirectoryHandle, KopiaError, openDirectoryHandle } from "@kopia-engine/kopia-format";
import type { OutputDirectory } from "./restore-output.ts";

/** Descriptors held open at the same time; more directories than that may be in progress. */
const MAX_OPEN_HANDLES = 128;

/** A directory below the target. */
export interface LocalDirectory extends OutputDirectory {
  readonly parent: LocalDirectory | undefined;
  readonly name: string;
  /** It was there before the restore, so things may be in the way in it. */
  readonly existed: boolean;
  readonly inode: bigint;
  readonly device: bigint;
}

/** Keeps a bounded number of directories open, and finds closed ones again without following a link. */
export class LocalDirectories {
  readonly #targetPath: string;
  /** In order of opening: the oldest is closed first. */
  readonly #open = new Map<LocalDirectory, DirectoryHandle>();
  /** How often a directory is lent to threads, which need it open. */
  readonly #lent = new Map<LocalDirectory, number>();

  constructor(targetPath: string) {
    this.#targetPath = targetPath;
  }

  /** Opens the target itself; links in its path are followed, as the user named it. */
  openRoot(existed: boolean): LocalDirectory {
    const handle = openDirectoryHandle(this.#targetPath);
    return this.#adopt(handle, { path: ".", name: "", parent: undefined, existed });
  }

  /** Opens a sub-directory that exists. @throws the system error; `ELOOP` or `ENOTDIR` for a link. */
  openChild(parent: LocalDirectory, name: string, existed: boolean): LocalDirectory {
    const handle = this.handleOf(parent).openDirectory(name);
    const path = parent.parent === undefined ? name : `${parent.path}/${name}`;
    return this.#adopt(handle, { path, name, parent, existed });
  }

  /** The open handle of a directory, opened again where it had to be closed meanwhile. */
  handleOf(directory: LocalDirectory): DirectoryHandle {
    const known = this.#open.get(directory);
    if (known !== undefined) return known;
    const handle =
      directory.parent === undefined
        ? openDirectoryHandle(this.#targetPath)
        : this.handleOf(directory.parent).openDirectory(directory.name);
    const stat = handle.statSelf();
    if (stat.ino !== directory.inode || stat.dev !== directory.device) {
      handle.close();
      throw new KopiaError(
        "RESTORE_TARGET",
        `directory ${directory.path} was replaced while it was being restored`,
        { details: { path: directory.path } },
      );
    }
    this.#keep(directory, handle);
    return handle;
  }

  /** Closes a directory that is finished. */
  release(directory: LocalDirectory): void {
    this.#open.get(directory)?.close();
    this.#open.delete(directory);
  }

  /** The handle of a directory, which stays open until `giveBack`. */
  lend(directory: LocalDirectory): DirectoryHandle {
    const handle = this.handleOf(directory);
    this.#lent.set(directory, (this.#lent.get(directory) ?? 0) + 1);
    return handle;
  }

  giveBack(directory: LocalDirectory): void {
    const count = (this.#lent.get(directory) ?? 0) - 1;
    if (count > 0) this.#lent.set(directory, count);
    else this.#lent.delete(directory);
  }

  closeAll(): void {
    for (const handle of this.#open.values()) handle.close();
    this.#open.clear();
  }

  #adopt(
    handle: DirectoryHandle,
    place: Pick<LocalDirectory, "path" | "name" | "parent" | "existed">,
  ): LocalDirectory {
    const stat = handle.statSelf();
    const directory = { ...place, inode: stat.ino, device: stat.dev };
    this.#keep(directory, handle);
    return directory;
  }

  #keep(directory: LocalDirectory, handle: DirectoryHandle): void {
    this.#open.set(directory, handle);
    if (this.#open.size <= MAX_OPEN_HANDLES) return;
    for (const [oldest, oldHandle] of this.#open) {
      if (oldest === directory || this.#lent.has(oldest)) continue;
      oldHandle.close();
      this.#open.delete(oldest);
      return;
    }
  }
}
