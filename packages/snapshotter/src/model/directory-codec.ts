import { KopiaError, type Bytes } from "@kopia-engine/kopia-format";
import type { DirectoryListing } from "./directory-entry.ts";

/**
 * Encodes a listing as it is stored (spec 2 §6.1), byte for byte as Kopia does, in the order given:
 * sort with `buildDirectory` first. Decoded listings may be encoded again as they are.
 */
export function encodeDirectory(listing: DirectoryListing): Bytes {
  void listing;
  throw new KopiaError("NOT_IMPLEMENTED", "encodeDirectory");
}

/**
 * As `encodeDirectory`, in pieces of about 64 KiB, for directories of millions of entries.
 * A piece is only valid during the call: its buffer is reused.
 */
export function writeDirectory(
  listing: DirectoryListing,
  write: (piece: Uint8Array) => void,
): void {
  void listing;
  void write;
  throw new KopiaError("NOT_IMPLEMENTED", "writeDirectory");
}

/**
 * Decodes a stored listing; entries keep the order of the stream (spec 2 §6.1).
 * Names are not validated: whoever writes files must do that (spec 2 §6.5).
 * @param where shown in errors, usually the object ID.
 * @throws KopiaError `DIRECTORY_CORRUPT`.
 */
export function decodeDirectory(data: Uint8Array, where = "directory"): DirectoryListing {
  void data;
  throw new KopiaError("NOT_IMPLEMENTED", where);
}
