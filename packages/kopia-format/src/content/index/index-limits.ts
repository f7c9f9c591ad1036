import { utf8Encode, type Bytes } from "../../base/bytes.ts";
import { KopiaError } from "../../base/errors.ts";

/** What writers of version 2 stay below (spec 1 §7.3). */
export const V2_LIMITS = {
  /** The format number is one byte, and readers know the count as one byte. */
  formats: 255,
  /** Pack numbers have 24 bits. */
  packs: 2 ** 24,
  /** Lengths have 28 bits. */
  lengthBytes: 2 ** 28,
  /** Readers take 31 bits; writers stay below 30. */
  packOffset: 2 ** 30,
  /** Timestamps have 32 bits. */
  timestampSeconds: 2 ** 32,
} as const;

/** The error of a value that an index cannot hold. */
export function limitError(
  message: string,
  details: Record<string, string | number> = {},
): KopiaError {
  return new KopiaError("INDEX_LIMIT", message, { details });
}

/**
 * Bytes of a pack blob ID as indexes store it: 1 to 255 ASCII characters.
 * @throws KopiaError `INDEX_LIMIT`.
 */
export function encodePackBlobId(packBlobId: string): Bytes {
  const encoded = utf8Encode(packBlobId);
  const isAscii = encoded.length === packBlobId.length;
  if (!isAscii || encoded.length < 1 || encoded.length > 255) {
    throw limitError(
      `an index holds pack blob IDs of 1 to 255 ASCII characters, not ${JSON.stringify(packBlobId)}`,
    );
  }
  return encoded;
}
