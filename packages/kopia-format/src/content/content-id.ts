import { toHex, type Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import type { ContentId, ContentIdRange } from "./content-entry.ts";

/** Longest content hash that any part of the format accepts, in bytes (spec 1 §4.1, §14). */
export const MAX_CONTENT_HASH_BYTES = 32;
/** Longest binary key: one prefix byte and the longest hash. */
export const MAX_CONTENT_KEY_BYTES = 1 + MAX_CONTENT_HASH_BYTES;
/** Length of the IV that a content's hash gives to the cipher (spec 1 §4.3). */
export const CONTENT_IV_BYTES = 16;

const FIRST_PREFIX = 0x67; // "g"
const LAST_PREFIX = 0x7a; // "z"
/** First text after every content ID: `z` is the last prefix letter, `{` follows it in ASCII. */
const AFTER_ALL = "{";

/** Every content. */
export const ALL_CONTENTS: ContentIdRange = { start: "", end: AFTER_ALL };
/** Contents with a prefix letter: directories, manifests, indirect objects. */
export const PREFIXED_CONTENTS: ContentIdRange = { start: "g", end: AFTER_ALL };
/** Contents without a prefix letter: file data. */
export const UNPREFIXED_CONTENTS: ContentIdRange = { start: "0", end: "g" };

/** The range of all content IDs whose text starts with `prefix` (a letter, or any leading part of an ID). */
export function contentIdsStartingWith(prefix: string): ContentIdRange {
  return { start: prefix, end: prefix + AFTER_ALL };
}

/** Whether an ID lies in a range: start inclusive, end exclusive, in text order. */
export function isInContentIdRange(id: ContentId, range: ContentIdRange): boolean {
  return id >= range.start && id < range.end;
}

/** Whether a text is a content ID: optional letter `g`…`z`, then 1 to 32 bytes of lowercase hex (spec 1 §4.1). */
export function isContentId(text: string): boolean {
  const prefixLength = text.length % 2;
  const hashLength = (text.length - prefixLength) / 2;
  if (hashLength < 1 || hashLength > MAX_CONTENT_HASH_BYTES) return false;
  if (prefixLength === 1 && !isPrefixByte(text.charCodeAt(0))) return false;
  for (let i = prefixLength; i < text.length; i++) {
    if (lowerHexDigit(text.charCodeAt(i)) < 0) return false;
  }
  return true;
}

/**
 * Checks a text that came from outside.
 * @throws KopiaError `CONTENT_ID_INVALID`.
 */
export function parseContentId(text: string): ContentId {
  if (!isContentId(text)) throw invalidContentId(text);
  return text;
}

/**
 * Text form from prefix and hash.
 * @param prefix letter `g`…`z`, or empty for file data.
 * @param hash 1 to 32 bytes.
 * @throws KopiaError `CONTENT_ID_INVALID`.
 */
export function formatContentId(prefix: string, hash: Uint8Array): ContentId {
  const prefixIsValid =
    prefix === "" || (prefix.length === 1 && isPrefixByte(prefix.charCodeAt(0)));
  if (!prefixIsValid || hash.length < 1 || hash.length > MAX_CONTENT_HASH_BYTES) {
    throw new KopiaError(
      "CONTENT_ID_INVALID",
      `cannot make a content ID of prefix ${JSON.stringify(prefix)} and a hash of ${hash.length} bytes`,
      { details: { prefix, hashLengthBytes: hash.length } },
    );
  }
  return prefix + toHex(hash);
}

/** Prefix letter of a valid content ID, or the empty string. */
export function contentIdPrefix(id: ContentId): string {
  return id.length % 2 === 1 ? id.charAt(0) : "";
}

/** Length of the binary key of a content ID in bytes: 1 + hash length. */
export function contentKeyLength(id: ContentId): number {
  return 1 + (id.length >> 1);
}

/**
 * Binary key as indexes store it: one byte for the prefix (0 when there is none), then the raw hash.
 * @throws KopiaError `CONTENT_ID_INVALID`.
 */
export function contentIdToKey(id: ContentId): Bytes {
  const key = new Uint8Array(contentKeyLength(id));
  writeContentKey(id, key);
  return key;
}

/**
 * Writes the binary key into `target` without allocating, for lookups.
 * @returns the key's length in bytes.
 * @throws KopiaError `CONTENT_ID_INVALID`.
 */
export function writeContentKey(id: ContentId, target: Uint8Array, offset = 0): number {
  const prefixLength = id.length & 1;
  const hashLength = id.length >> 1;
  if (hashLength < 1 || hashLength > MAX_CONTENT_HASH_BYTES) throw invalidContentId(id);
  if (prefixLength === 1 && !isPrefixByte(id.charCodeAt(0))) throw invalidContentId(id);
  target[offset] = prefixLength === 1 ? id.charCodeAt(0) : 0;
  let at = prefixLength;
  for (let i = 1; i <= hashLength; i++, at += 2) {
    const value = (lowerHexDigit(id.charCodeAt(at)) << 4) | lowerHexDigit(id.charCodeAt(at + 1));
    if (value < 0) throw invalidContentId(id);
    target[offset + i] = value;
  }
  return 1 + hashLength;
}

/**
 * Text form of a binary key. A prefix byte outside 0 and `g`…`z` is shown as its character all the
 * same, so that damage in an index stays visible; `isContentId` tells.
 */
export function keyToContentId(key: Uint8Array): ContentId {
  const prefix = key[0] as number;
  const hash = toHex(key.subarray(1));
  return prefix === 0 ? hash : String.fromCharCode(prefix) + hash;
}

/** Order of content IDs: of their text, which is also that of their keys (spec 1 §4.1). */
export function compareContentIds(a: ContentId, b: ContentId): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * IV of a content in a pack: the last 16 bytes of its hash, without the prefix letter (spec 1 §4.3).
 * @throws KopiaError `CONTENT_ID_INVALID` for malformed IDs and hashes shorter than 16 bytes.
 */
export function contentIv(id: ContentId): Bytes {
  const key = contentIdToKey(id);
  if (key.length < 1 + CONTENT_IV_BYTES) throw invalidContentId(id);
  return key.slice(key.length - CONTENT_IV_BYTES);
}

function isPrefixByte(byte: number): boolean {
  return byte >= FIRST_PREFIX && byte <= LAST_PREFIX;
}

function lowerHexDigit(charCode: number): number {
  if (charCode >= 48 && charCode <= 57) return charCode - 48;
  return charCode >= 97 && charCode <= 102 ? charCode - 87 : -1;
}

function invalidContentId(id: string): KopiaError {
  const shown = id.length > 80 ? `${id.slice(0, 80)}…` : id;
  return new KopiaError(
    "CONTENT_ID_INVALID",
    `${JSON.stringify(shown)} is not a content ID: expected an optional letter g…z and 1 to 32 bytes of lowercase hex`,
    { details: { contentId: shown } },
  );
}
