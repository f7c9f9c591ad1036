import { closeSync, constants, openSync, readSync } from "node:fs";
import { errnoText } from "../fs/go-errno.ts";
import { displayPath, nodePath } from "../fs/local-path.ts";
import type { UploadItem, UploadItemResult } from "./upload-executor.ts";

// No link is followed and no FIFO is waited for: the entry was a regular file when it was listed.
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A file that cannot be read; the message is what Kopia stores. */
export class SourceReadError extends Error {}

/** Opens a file for reading. @throws SourceReadError */
export function openSourceFile({ path }: Pick<UploadItem, "path">): number {
  try {
    return openSync(nodePath(path), OPEN_FLAGS);
  } catch (error) {
    throw new SourceReadError(
      `unable to open file: unable to open local file: open ${displayPath(path)}: ${errnoText(error)}`,
    );
  }
}

/** Closes a file that was read. */
export function closeSourceFile(fd: number): void {
  closeSync(fd);
}

/**
 * Reads what fits behind `offset` of the buffer, from a position of the file or, with `null`, from where
 * the last read ended. Gives the number of bytes, 0 at the end. @throws SourceReadError
 */
export function readSourceFile(
  { path }: Pick<UploadItem, "path">,
  fd: number,
  into: { readonly buffer: Uint8Array; readonly offset: number; readonly position: number | null },
): number {
  try {
    const { buffer, offset, position } = into;
    return readSync(fd, buffer, offset, buffer.length - offset, position);
  } catch (error) {
    throw new SourceReadError(`read ${displayPath(path)}: ${errnoText(error)}`);
  }
}

/** The result of an item that could not be read. @throws whatever else it was. */
export function readFailure(error: unknown): UploadItemResult {
  if (error instanceof SourceReadError) return { error: error.message };
  throw error;
}
