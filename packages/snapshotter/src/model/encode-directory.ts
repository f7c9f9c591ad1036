import type { Bytes } from "@kopia-engine/kopia-format";
import type { DirectoryListing } from "./directory-entry.ts";
import { EntryFormatter } from "./entry-formatter.ts";

/** Text is turned into bytes in pieces of about this many characters. */
const PIECE_LENGTH = 2 ** 15;
/** UTF-8 of a UTF-16 unit takes at most three bytes. */
const MAX_BYTES_PER_UNIT = 3;

const encoder = new TextEncoder();

/**
 * Encodes a listing as it is stored (spec 2 §6.1), byte for byte as Kopia does, in the order given:
 * sort with `buildDirectory` first. Decoded listings may be encoded again as they are.
 */
export function encodeDirectory(listing: DirectoryListing): Bytes {
  let buffer = new Uint8Array(2 * PIECE_LENGTH);
  let lengthBytes = 0;
  for (const text of listingPieces(listing)) {
    const neededBytes = lengthBytes + MAX_BYTES_PER_UNIT * text.length;
    if (neededBytes > buffer.length) {
      const larger = new Uint8Array(2 * neededBytes);
      larger.set(buffer.subarray(0, lengthBytes));
      buffer = larger;
    }
    lengthBytes += encoder.encodeInto(text, buffer.subarray(lengthBytes)).written;
  }
  return buffer.slice(0, lengthBytes);
}

/**
 * As `encodeDirectory`, in pieces of about 32 KiB, for directories of millions of entries.
 * A piece is only valid during the call: its buffer is reused.
 */
export function writeDirectory(
  listing: DirectoryListing,
  write: (piece: Uint8Array) => void,
): void {
  let buffer = new Uint8Array(2 * MAX_BYTES_PER_UNIT * PIECE_LENGTH);
  for (const text of listingPieces(listing)) {
    if (MAX_BYTES_PER_UNIT * text.length > buffer.length) {
      buffer = new Uint8Array(MAX_BYTES_PER_UNIT * text.length);
    }
    write(buffer.subarray(0, encoder.encodeInto(text, buffer).written));
  }
}

/** The listing as text; strings are joined and encoded in bulk, which is faster than writing bytes one by one. */
function* listingPieces(listing: DirectoryListing): Generator<string> {
  const formatter = new EntryFormatter();
  let text = '{"stream":"kopia:directory","entries":';
  let separator = "[";
  for (const entry of listing.entries) {
    text += separator + formatter.entry(entry);
    separator = ",";
    if (text.length < PIECE_LENGTH) continue;
    yield text;
    text = "";
  }
  // A directory without entries has `null`, not `[]` (spec 2 §6.1).
  text += listing.entries.length === 0 ? "null" : "]";
  const summary = listing.summary === undefined ? "null" : formatter.summary(listing.summary);
  yield `${text},"summary":${summary}}\n`;
}
