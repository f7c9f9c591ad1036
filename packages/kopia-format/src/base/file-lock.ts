import { closeSync, openSync } from "node:fs";
import { KopiaError } from "./errors.ts";
import { loadLibc } from "./libc.ts";

const LOCK_EXCLUSIVE_NO_WAIT = 2 | 4;

/**
 * Takes the advisory lock (`flock`) of a file, made when missing, without waiting. The system frees it when
 * the process ends, so none is ever stale; the file stays.
 * @returns how to free it, or `undefined` when another process holds it.
 * @throws KopiaError `NOT_IMPLEMENTED` where the system's locks cannot be used; `Error` when the file cannot be opened.
 */
export function tryLockFile(path: string): (() => void) | undefined {
  const libc = loadLibc();
  if (libc === undefined) {
    throw new KopiaError("NOT_IMPLEMENTED", `${path} cannot be locked on this system`);
  }
  const fd = openSync(path, "a", 0o600);
  if (libc.flock(fd, LOCK_EXCLUSIVE_NO_WAIT) !== 0) {
    closeSync(fd);
    return undefined;
  }
  return () => closeSync(fd);
}
