import type { Bytes } from "./bytes.ts";

/**
 * Growable writer of big-endian values (spec 1 §0). Values out of range are programming errors and
 * throw a `RangeError`: callers check their limits before.
 */
export class ByteWriter {
  #bytes: Bytes;
  #length = 0;

  /** @param capacityBytes what to reserve at first */
  constructor(capacityBytes = 256) {
    this.#bytes = new Uint8Array(capacityBytes);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** One byte. */
  u8(value: number): this {
    return this.#bigEndian(value, 1);
  }

  /** Two bytes, big-endian. */
  u16(value: number): this {
    return this.#bigEndian(value, 2);
  }

  /** Two bytes, little-endian (spec 1 §2.7). */
  u16LittleEndian(value: number): this {
    return this.#bigEndian(((value & 0xff) << 8) | (value >>> 8), 2);
  }

  /** Three bytes, big-endian. */
  u24(value: number): this {
    return this.#bigEndian(value, 3);
  }

  /** Four bytes, big-endian. */
  u32(value: number): this {
    return this.#bigEndian(value, 4);
  }

  /** Six bytes, big-endian. */
  u48(value: number): this {
    return this.#bigEndian(value, 6);
  }

  /** Unsigned LEB128 of a safe integer. */
  uvarint(value: number): this {
    checkRange(value, Number.MAX_SAFE_INTEGER);
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    return this.u8(rest);
  }

  /** Copies bytes. */
  bytes(data: Uint8Array): this {
    const at = this.#reserve(data.length);
    this.#bytes.set(data, at);
    return this;
  }

  /** Adds `lengthBytes` zero bytes. */
  zeros(lengthBytes: number): this {
    this.#reserve(lengthBytes);
    return this;
  }

  /** A view of what was written, valid until the next write or `reset`. */
  view(): Bytes {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written. */
  finish(): Bytes {
    return this.#bytes.slice(0, this.#length);
  }

  /** Forgets what was written and keeps the memory for the next use. */
  reset(): void {
    this.#bytes.fill(0, 0, this.#length);
    this.#length = 0;
  }

  #bigEndian(value: number, lengthBytes: number): this {
    checkRange(value, 2 ** (8 * lengthBytes) - 1);
    const at = this.#reserve(lengthBytes);
    let rest = value;
    for (let i = at + lengthBytes - 1; i >= at; i--) {
      this.#bytes[i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return this;
  }

  #reserve(lengthBytes: number): number {
    const at = this.#length;
    const needed = at + lengthBytes;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.view());
      this.#bytes = grown;
    }
    this.#length = needed;
    return at;
  }
}

function checkRange(value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new RangeError(`${value} does not fit: expected an integer from 0 to ${max}`);
  }
}
