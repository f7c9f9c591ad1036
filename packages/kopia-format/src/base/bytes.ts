/**
 * Bytes that this library creates and returns. Functions accept any `Uint8Array`
 * (also views over shared memory) and return `Bytes`.
 */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Digits of hexadecimal texts, by value. */
export const HEX_DIGITS = "0123456789abcdef";
const BYTE_TO_HEX: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => HEX_DIGITS.charAt(byte >> 4) + HEX_DIGITS.charAt(byte & 15),
);
const encoder = new TextEncoder();
// A byte order mark is data like any other: file names may begin with one.
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/** Joins byte arrays into one new array. */
export function concatBytes(...parts: readonly Uint8Array[]): Bytes {
  let lengthBytes = 0;
  for (const part of parts) lengthBytes += part.length;
  const joined = new Uint8Array(lengthBytes);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Whether two byte arrays have equal length and content. Not constant-time: never use it on secrets. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/** Bytewise order of two arrays: negative, zero or positive, shorter prefixes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Lowercase hex, two digits a byte (spec 1 §0). */
export function toHex(bytes: Uint8Array): string {
  let hex = "";
  for (let i = 0; i < bytes.length; i++) hex += BYTE_TO_HEX[bytes[i] as number] as string;
  return hex;
}

/** Decodes hex of either case; `undefined` when the text is not an even number of hex digits. */
export function fromHex(hex: string): Bytes | undefined {
  if (hex.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = hexDigitValue(hex.charCodeAt(2 * i));
    const low = hexDigitValue(hex.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return undefined;
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}

/** UTF-8 bytes of a string. Lone surrogates become U+FFFD. */
export function utf8Encode(text: string): Bytes {
  return encoder.encode(text);
}

/** Text of UTF-8 bytes; invalid sequences become U+FFFD as WHATWG does (not as Go does: see `go-json.ts`). */
export function utf8Decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Copies a view into bytes of its own. */
export function copyBytes(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}

function hexDigitValue(charCode: number): number {
  if (charCode >= 48 && charCode <= 57) return charCode - 48;
  const lower = charCode | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
