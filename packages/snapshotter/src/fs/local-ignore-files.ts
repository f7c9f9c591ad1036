import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readSync,
  readlinkSync,
  statSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
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
   * Where links are not followed (`CACHEDIR.TAG`) an unreadable file counts as none.
   * @throws ListingError when it cannot be read, or is a link that leads to no regular file; with Kopia's text.
   */
  readFile(name: string, options: ReadIgnoreFileOptions): Uint8Array | undefined {
    if (!this.#names.includes(name)) return undefined;
    const place = joinLocalPath(this.#directory, { name });
    const stat = lstatSync(nodePath(place), { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    if (stat.isSymbolicLink()) {
      if (!options.followSymlinks) return undefined;
      checkLink(place, name);
    } else if (!stat.isFile()) return undefined;
    try {
      return readStart(place, options.maxLengthBytes);
    } catch (error) {
      if (!options.followSymlinks) return undefined;
      throw new ListingError(
        `unable to parse ignore file ${name}: unable to open ignore file: unable to open local file: open ${displayPath(place)}: ${errnoText(error)}`,
      );
    }
  }
}

/** Makes sure that a link leads to a regular file. */
function checkLink(place: LocalPath, name: string): void {
  let isFile: boolean;
  try {
    isFile = statSync(nodePath(place)).isFile();
  } catch (error) {
    const target = readlinkSync(nodePath(place), "utf8");
    const path = displayPath(place);
    const missing = resolve(dirname(path), target);
    throw new ListingError(
      `when resolving symlink ${name} of type *localfs.filesystemSymlink, which points to ${target}: cannot resolve symlink for '"${path}"': lstat ${missing}: ${errnoText(error)}`,
    );
  }
  if (isFile) return;
  throw new ListingError(
    `${name} does not eventually link to a file: Symlink does not link to a file`,
  );
}

function readStart(place: LocalPath, maxLengthBytes: number): Uint8Array {
  const fd = openSync(nodePath(place), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return readUpTo(fd, maxLengthBytes);
  } finally {
    closeSync(fd);
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
