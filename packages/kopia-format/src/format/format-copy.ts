import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { ByteWriter } from "../base/byte-writer.ts";
import { bytesEqual, utf8Encode, type Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";

/** How much of either end of a pack is searched for a copy (spec 1 §2.7). */
export const FORMAT_COPY_SEARCH_BYTES = 65_536;

const HMAC_KEY = utf8Encode("kopia-repository");
const HMAC_BYTES = 32;
const LENGTH_BYTES = 2;
const MAX_COPY_BYTES = 65_000;
const MIN_SEARCH_BYTES = 5;

/**
 * Copy of the format blob as packs begin with when passwords cannot be changed (spec 1 §2.7).
 * @param formatBlob exact bytes of `kopia.repository` as read.
 * @throws KopiaError `LIMIT_EXCEEDED` when it is too long for a copy.
 */
export function encodeFormatCopy(formatBlob: Uint8Array): Bytes {
  const lengthBytes = formatBlob.length + HMAC_BYTES;
  if (lengthBytes > MAX_COPY_BYTES) {
    throw new KopiaError(
      "LIMIT_EXCEEDED",
      `the format blob has ${formatBlob.length} bytes, too many for a copy in packs`,
      { details: { lengthBytes: formatBlob.length } },
    );
  }
  return new ByteWriter(lengthBytes + 2 * LENGTH_BYTES)
    .u16LittleEndian(lengthBytes)
    .bytes(formatBlob)
    .bytes(hmac(sha256, HMAC_KEY, formatBlob))
    .u16LittleEndian(lengthBytes)
    .finish();
}

/** Format blob copied at the front of these bytes: the first 65,536 of a pack, or all of it. */
export function findFormatCopyAtStart(head: Uint8Array): Bytes | undefined {
  if (head.length < MIN_SEARCH_BYTES) return undefined;
  const lengthBytes = u16LittleEndian(head, 0);
  if (!isPlausible(lengthBytes, head.length)) return undefined;
  return verified(head.subarray(LENGTH_BYTES, LENGTH_BYTES + lengthBytes));
}

/** Format blob copied at the end of these bytes: the last 65,536 of a pack, or all of it. */
export function findFormatCopyAtEnd(tail: Uint8Array): Bytes | undefined {
  if (tail.length < MIN_SEARCH_BYTES) return undefined;
  const lengthBytes = u16LittleEndian(tail, tail.length - LENGTH_BYTES);
  if (!isPlausible(lengthBytes, tail.length)) return undefined;
  const end = tail.length - LENGTH_BYTES;
  return verified(tail.subarray(end - lengthBytes, end));
}

function isPlausible(lengthBytes: number, availableBytes: number): boolean {
  return (
    lengthBytes >= HMAC_BYTES &&
    lengthBytes <= MAX_COPY_BYTES &&
    lengthBytes + LENGTH_BYTES < availableBytes
  );
}

function verified(copy: Uint8Array): Bytes | undefined {
  const formatBlob = copy.slice(0, copy.length - HMAC_BYTES);
  const tag = copy.subarray(copy.length - HMAC_BYTES);
  // The key is public: this finds copies, it proves nothing. The encrypted part proves itself.
  return bytesEqual(hmac(sha256, HMAC_KEY, formatBlob), tag) ? formatBlob : undefined;
}

function u16LittleEndian(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] as number) | ((bytes[offset + 1] as number) << 8);
}
