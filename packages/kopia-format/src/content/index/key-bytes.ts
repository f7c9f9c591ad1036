import { HEX_DIGITS } from "../../base/bytes.ts";

/** A binary key inside some bytes. */
export interface KeyPlace {
  bytes: Uint8Array;
  offset: number;
}

/** Order of two keys of equal length, bytewise: negative, zero or positive. */
export function compareKeys(a: KeyPlace, b: KeyPlace, keyLength: number): number {
  const aBytes = a.bytes;
  const bBytes = b.bytes;
  const aOffset = a.offset;
  const bOffset = b.offset;
  for (let i = 0; i < keyLength; i++) {
    const difference = (aBytes[aOffset + i] as number) - (bBytes[bOffset + i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Order of a key's content ID and a text, as that of two texts, without making one of the key. */
export function compareKeyWithText(
  { bytes, offset }: Readonly<KeyPlace>,
  keyLength: number,
  text: string,
): number {
  const prefix = bytes[offset] as number;
  let at = 0;
  if (prefix !== 0) {
    if (text === "") return 1;
    if (prefix !== text.charCodeAt(0)) return prefix - text.charCodeAt(0);
    at = 1;
  }
  for (let nibble = 2; nibble < 2 * keyLength; nibble++, at++) {
    if (at === text.length) return 1;
    const byte = bytes[offset + (nibble >> 1)] as number;
    const digit = HEX_DIGITS.charCodeAt((nibble & 1) === 0 ? byte >> 4 : byte & 15);
    const difference = digit - text.charCodeAt(at);
    if (difference !== 0) return difference;
  }
  return at < text.length ? -1 : 0;
}

/**
 * Where a key goes in a hash table, as an unsigned 32-bit number. The content hash is uniform
 * already; both its ends and the prefix are mixed so that made-up IDs do not cluster either.
 */
export function keyHash(bytes: Uint8Array, offset: number, keyLength: number): number {
  if (keyLength < 9) return shortKeyHash(bytes, offset, keyLength);
  let hash = Math.imul(u32(bytes, offset + 1), 0x9e3779b1);
  hash ^= Math.imul(u32(bytes, offset + keyLength - 4) + (bytes[offset] as number), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Part of a key that tells keys apart without reading them, independent of `keyHash` for uniform hashes. */
export function keyFingerprint(bytes: Uint8Array, offset: number, keyLength: number): number {
  if (keyLength < 9) return (bytes[offset] as number) >>> 0;
  return (
    (u32(bytes, offset + keyLength - 8) ^ Math.imul(bytes[offset] as number, 0x9e3779b1)) >>> 0
  );
}

function shortKeyHash(bytes: Uint8Array, offset: number, keyLength: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < keyLength; i++) {
    hash = Math.imul(hash ^ (bytes[offset + i] as number), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}

function u32(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] as number) << 24) |
    ((bytes[offset + 1] as number) << 16) |
    ((bytes[offset + 2] as number) << 8) |
    (bytes[offset + 3] as number)
  );
}
