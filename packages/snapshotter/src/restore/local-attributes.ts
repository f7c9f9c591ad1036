import { fchmodSync, fchownSync, fstatSync } from "node:fs";
import { type DirectoryHandle, setTimesNsOfFile } from "@kopia-engine/kopia-format";
import { errorCodeOf } from "../fs/go-errno.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { entryModeToPosix } from "../model/entry-mode.ts";

/** Which attributes are set, and whether missing permission for that is an error (spec 2 §10.4). */
export interface AttributeOptions {
  readonly skipOwners: boolean;
  readonly skipPermissions: boolean;
  readonly skipTimes: boolean;
  readonly ignorePermissionErrors: boolean;
}

const POSIX_MODE_BITS = 0o7777;

/** Sets owner, mode and times of an open file or directory, in this order: a change of owner clears setuid. */
export function applyAttributes(
  fd: number,
  entry: DirectoryEntry,
  options: AttributeOptions,
): void {
  const stat = fstatSync(fd);
  const mode = entryModeToPosix(entry.mode);
  const ownerDiffers = stat.uid !== entry.uid || stat.gid !== entry.gid;
  if (ownerDiffers && !options.skipOwners) {
    permitted(options, () => fchownSync(fd, entry.uid, entry.gid));
  }
  // After a change of owner the special bits may be gone, whatever `stat` said before.
  const modeDiffers = ownerDiffers || (stat.mode & POSIX_MODE_BITS) !== mode;
  if (modeDiffers && !options.skipPermissions) permitted(options, () => fchmodSync(fd, mode));
  if (options.skipTimes) return;
  permitted(options, () => setTimesNsOfFile(fd, { atime: entry.modTime, mtime: entry.modTime }));
}

/** Sets owner and times of a link itself; links have no mode of their own on Linux. */
export function applyLinkAttributes(
  directory: DirectoryHandle,
  entry: DirectoryEntry,
  options: AttributeOptions,
): void {
  const { name, uid, gid } = entry;
  if (!options.skipOwners) {
    const stat = directory.lstat(name);
    if (stat !== undefined && (Number(stat.uid) !== uid || Number(stat.gid) !== gid)) {
      permitted(options, () => directory.chown(name, { uid, gid }));
    }
  }
  if (options.skipTimes) return;
  permitted(options, () =>
    directory.setTimes(name, { atime: entry.modTime, mtime: entry.modTime }),
  );
}

function permitted(options: AttributeOptions, set: () => void): void {
  try {
    set();
  } catch (error) {
    const code = errorCodeOf(error);
    if (!options.ignorePermissionErrors || (code !== "EPERM" && code !== "EACCES")) throw error;
  }
}
