import { KopiaError } from "../base/errors.ts";
import type { BlobId, BlobRange } from "./storage.ts";

/**
 * First and past-the-end offset of a range within a blob.
 *
 * @throws KopiaError STORAGE_RANGE when the blob is shorter, or the range is no range at all
 */
export function rangeOf(
  id: BlobId,
  blobLengthBytes: number,
  range: BlobRange,
): { start: number; end: number } {
  const { offsetBytes, lengthBytes } = range;
  const end = offsetBytes + lengthBytes;
  const usable =
    Number.isSafeInteger(offsetBytes) && Number.isSafeInteger(lengthBytes) && offsetBytes >= 0;
  if (usable && lengthBytes >= 0 && end <= blobLengthBytes) return { start: offsetBytes, end };
  throw rangeError(id, blobLengthBytes, range);
}

/** The error of a range that a blob does not have. */
export function rangeError(id: BlobId, blobLengthBytes: number, range: BlobRange): KopiaError {
  const { offsetBytes, lengthBytes } = range;
  return new KopiaError(
    "STORAGE_RANGE",
    `blob ${id} has ${blobLengthBytes} bytes; ${lengthBytes} bytes at offset ${offsetBytes} were wanted`,
    { details: { blob: id, blobLengthBytes, offsetBytes, lengthBytes } },
  );
}
