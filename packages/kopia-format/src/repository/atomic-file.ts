import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Bytes } from "../base/bytes.ts";
import { toHex } from "../base/bytes.ts";
import { KopiaError, errorMessage } from "../base/errors.ts";
import { systemRandom } from "../base/random.ts";
import { makeDirectories } from "../base/make-directories.ts";
import { systemErrorCode } from "../base/system-error-code.ts";

const PRIVATE_FILE_MODE = 0o600;
const PRIVATE_DIRECTORY_MODE = 0o700;

/**
 * Writes a local file whole or not at all, mode 0600, making its directory (mode 0700) when missing.
 * @throws KopiaError `STORAGE_PERMISSION`, `STORAGE_FULL`, `STORAGE_UNAVAILABLE` naming the path.
 */
export function writePrivateFile(path: string, data: Uint8Array): void {
  const temporary = `${path}.tmp.${toHex(systemRandom(8))}`;
  try {
    makeDirectories(dirname(path), PRIVATE_DIRECTORY_MODE);
    const fd = openSync(temporary, "wx", PRIVATE_FILE_MODE);
    try {
      for (let offset = 0; offset < data.length;) offset += writeSync(fd, data, offset);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    // An unusual umask must not lock the owner out.
    chmodSync(temporary, PRIVATE_FILE_MODE);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw localFileError(path, error);
  }
}

/** The bytes of a local file, `undefined` when there is none. @throws KopiaError as `writePrivateFile`. */
export function readLocalFile(path: string): Bytes | undefined {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw localFileError(path, error);
  }
}

function isMissing(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

function localFileError(path: string, cause: unknown): KopiaError {
  const code = systemErrorCode(cause);
  const kind =
    code === "ENOSPC" || code === "EDQUOT"
      ? "STORAGE_FULL"
      : code === "EACCES" || code === "EPERM" || code === "EROFS"
        ? "STORAGE_PERMISSION"
        : "STORAGE_UNAVAILABLE";
  return new KopiaError(kind, `local file ${path}: ${errorMessage(cause)}`, {
    details: { path },
    cause,
  });
}
