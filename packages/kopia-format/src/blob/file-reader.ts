import * as fs from "node:fs";
import { promisify } from "node:util";
import type { Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import { MAX_BLOB_BYTES } from "../base/limits.ts";
import { rangeError, rangeOf } from "./range.ts";
import type { BlobId, BlobRange } from "./storage.ts";

const read = promisify(fs.read);

/** Below this size a synchronous read is cheaper; above it other work goes on during the read. */
const ASYNC_READ_BYTES = 2 ** 20;

/** A FIFO with the name of a blob must not make the open wait for its other end. */
const OPEN_FLAGS = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK;

/**
 * Reads a blob file, whole or exactly `range` of it.
 *
 * @throws KopiaError STORAGE_RANGE, LIMIT_EXCEEDED; otherwise the system error
 */
export async function readBlobFile(
  path: string,
  id: BlobId,
  range: BlobRange | undefined,
): Promise<Bytes> {
  const fd = fs.openSync(path, OPEN_FLAGS);
  try {
    const { start, end } = extentToRead(fd, id, range);
    const bytes = new Uint8Array(end - start);
    const lengthBytes = await readFully(fd, bytes, start);
    if (lengthBytes === bytes.length) return bytes;
    throw rangeError(id, start + lengthBytes, { offsetBytes: start, lengthBytes: bytes.length });
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Reads exactly a range of a blob file without waiting for anything but the disk.
 *
 * @throws KopiaError STORAGE_RANGE, LIMIT_EXCEEDED; otherwise the system error
 */
export function readBlobFileInto(
  path: string,
  id: BlobId,
  options: {
    readonly range: BlobRange;
    readonly allocate: (lengthBytes: number) => Uint8Array;
  },
): Uint8Array {
  const fd = fs.openSync(path, OPEN_FLAGS);
  try {
    const { start, end } = extentToRead(fd, id, options.range);
    const bytes = options.allocate(end - start);
    let done = 0;
    while (done < bytes.length) {
      const got = fs.readSync(fd, bytes, done, bytes.length - done, start + done);
      if (got === 0) {
        throw rangeError(id, start + done, { offsetBytes: start, lengthBytes: bytes.length });
      }
      done += got;
    }
    return bytes;
  } finally {
    fs.closeSync(fd);
  }
}

/** The size is asked before anything is allocated, as lengths come from indexes, which may be hostile. */
function extentToRead(
  fd: number,
  id: BlobId,
  range: BlobRange | undefined,
): { start: number; end: number } {
  const { size } = fs.fstatSync(fd);
  const extent = range === undefined ? { start: 0, end: size } : rangeOf(id, size, range);
  const lengthBytes = extent.end - extent.start;
  if (lengthBytes <= MAX_BLOB_BYTES) return extent;
  throw new KopiaError(
    "LIMIT_EXCEEDED",
    `blob ${id}: ${lengthBytes} bytes at once are more than the ${MAX_BLOB_BYTES} that are accepted`,
    { details: { blob: id, lengthBytes, maxLengthBytes: MAX_BLOB_BYTES } },
  );
}

/** Returns the bytes that were there; fewer than wanted when the file ends early. */
async function readFully(fd: number, bytes: Bytes, position: number): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const wanted = bytes.length - done;
    const got =
      wanted < ASYNC_READ_BYTES
        ? fs.readSync(fd, bytes, done, wanted, position + done)
        : (await read(fd, bytes, done, wanted, position + done)).bytesRead;
    if (got === 0) break;
    done += got;
  }
  return done;
}
