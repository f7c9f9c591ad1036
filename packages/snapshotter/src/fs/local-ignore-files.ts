import { closeSync, constants, lstatSync, openSync, readSync, statSync, type Stats } from "node:fs";
import { errnoText } from "./go-errno.ts";
import {
  type LocalName,
  type LocalPath,
  displayPath,
  joinLocalPath,
  nodePath,
} from "./local-path.ts";
import { ListingError } from "./local-directory.ts";

/** Limits of reading one file for the ignore rules. */
export interface ReadIgnoreFileOptions {
  readonly maxLengthBytes: number;
  readonly followSymlinks: boolean;
}

/** The files that ignore rules read from a local directory, found through its listing so that absent ones cost nothing. */
export class LocalIgnoreFiles {
  readonly #directory: LocalPath;
  readonly #names: readonly (string | LocalName)[];

  constructor(directory: LocalPath, names: readonly (string | LocalName)[]) {
    this.#directory = directory;
    this.#names = names;
  }

  /**
   * First bytes of a regular file of the directory, `undefined` when there is none (spec 2 §7.6 step 3).
   * @throws ListingError when it cannot be read, or is a link that leads to no regular file.
   */
  readFile(name: string, options: ReadIgnoreFileOptions): Uint8Array | undefined {
    if (!this.#names.includes(name)) return undefined;
    const path = joinLocalPath(this.#directory, { name });
    const stat = examine(path, "lstat");
    if (stat === undefined) return undefined;
    if (stat.isSymbolicLink()) {
      if (!options.followSymlinks) return undefined;
      const target = examine(path, "stat");
      if (target === undefined || !target.isFile()) {
        throw new ListingError(`unable to open ignore file ${displayPath(path)}: not a file`);
      }
    } else if (!stat.isFile()) return undefined;
    return readStart(path, options.maxLengthBytes);
  }
}

function examine(path: LocalPath, call: "lstat" | "stat"): Stats | undefined {
  try {
    const examined = call === "lstat" ? lstatSync : statSync;
    return examined(nodePath(path), { throwIfNoEntry: false });
  } catch (error) {
    throw new ListingError(`${call} ${displayPath(path)}: ${errnoText(error)}`);
  }
}

function readStart(path: LocalPath, maxLengthBytes: number): Uint8Array {
  let call = "open";
  try {
    const fd = openSync(nodePath(path), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      call = "read";
      return readUpTo(fd, maxLengthBytes);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new ListingError(`${call} ${displayPath(path)}: ${errnoText(error)}`);
  }
}

const PIECE_BYTES = 2 ** 16;

function readUpTo(fd: number, maxLengthBytes: number): Uint8Array {
  const pieces: Buffer[] = [];
  let lengthBytes = 0;
  while (lengthBytes < maxLengthBytes) {
    const piece = Buffer.alloc(Math.min(PIECE_BYTES, maxLengthBytes - lengthBytes));
    const readBytes = readSync(fd, piece, 0, piece.length, null);
    if (readBytes === 0) break;
    pieces.push(piece.subarray(0, readBytes));
    lengthBytes += readBytes;
  }
  return Buffer.concat(pieces);
}
