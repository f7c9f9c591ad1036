/** Unsigned 16-bit number. The caller has checked the bounds, here and below. */
export function readU16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
}

/** Unsigned 24-bit number. */
export function readU24(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] as number) << 16) |
    ((bytes[offset + 1] as number) << 8) |
    (bytes[offset + 2] as number)
  );
}

/** Unsigned 32-bit number. */
export function readU32(bytes: Uint8Array, offset: number): number {
  return (
    (((bytes[offset] as number) << 24) |
      ((bytes[offset + 1] as number) << 16) |
      ((bytes[offset + 2] as number) << 8) |
      (bytes[offset + 3] as number)) >>>
    0
  );
}

/** Unsigned 48-bit number. */
export function readU48(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset) * 2 ** 32 + readU32(bytes, offset + 2);
}

/** Text of single-byte characters; blob IDs are ASCII (spec 1 §1.1). */
export function readAscii(bytes: Uint8Array, offset: number, lengthBytes: number): string {
  let text = "";
  for (let i = offset; i < offset + lengthBytes; i++) {
    text += String.fromCharCode(bytes[i] as number);
  }
  return text;
}
