import { KopiaError } from "../base/errors.ts";
import { MAX_BLOB_ID_LENGTH } from "../base/limits.ts";
import type { BlobId } from "./storage.ts";

/**
 * Refuses IDs that cannot name a file, or could name one outside the storage: they come from indexes,
 * which may be hostile.
 *
 * @throws KopiaError ARGUMENT_INVALID
 */
export function checkBlobId(id: BlobId): void {
  if (id.length > 0 && id.length <= MAX_BLOB_ID_LENGTH && !/[/\\\0]/.test(id)) return;
  throw unusableBlobId(id);
}

/** The error of an ID that cannot be used. */
export function unusableBlobId(id: BlobId): KopiaError {
  const shown = JSON.stringify(id.length > 80 ? `${id.slice(0, 80)}…` : id);
  return new KopiaError("ARGUMENT_INVALID", `${shown} cannot be a blob ID`, {
    details: { blob: id.slice(0, MAX_BLOB_ID_LENGTH), lengthCharacters: id.length },
  });
}
