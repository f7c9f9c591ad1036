import type { ErrorCode } from "./error-codes.ts";
import { KopiaError } from "./errors.ts";

/** What a `ByteReader` reads, for its errors. */
export interface ByteReaderOptions {
  /** The code to throw when bytes are missing or wrong: `INDEX_CORRUPT`, `PACK_CORRUPT`, … */
  readonly code: ErrorCode;
  /** Where the bytes come from: a blob ID, `index v2 of xn0_…`. */
  readonly where: string;
}

/**
 * Bounds-checked reader of big-endian values (spec 1 §0). Every read past the end is a typed error that
 * names the place and the offset. Returned byte arrays are views into the input, not copies.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #options: ByteReaderOptions;
  #offset: number;

  constructor(bytes: Uint8Array, options: ByteReaderOptions) {
    this.#bytes = bytes;
    this.#options = options;
    this.#offset = 0;
  }

  /** Offset of the next byte. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Length of the whole input. */
  get length(): number {
    return this.#bytes.length;
  }

  /** Continues at an absolute offset. @throws KopiaError the caller's code when it is outside */
  seek(offset: number): void {
    if (!Number.isInteger(offset) || offset < 0 || offset > this.#bytes.length) {
      throw this.fail(`offset ${offset} lies outside the ${this.#bytes.length} bytes`);
    }
    this.#offset = offset;
  }

  /** Passes over bytes. @throws KopiaError the caller's code */
  skip(lengthBytes: number): void {
    this.#take(lengthBytes, "bytes to skip");
  }

  /** One byte. @throws KopiaError the caller's code */
  u8(): number {
    return this.#bytes[this.#take(1, "u8")] as number;
  }

  /** Two bytes, big-endian. @throws KopiaError the caller's code */
  u16(): number {
    return this.#bigEndian(2, "u16");
  }

  /** Two bytes, little-endian: used in exactly one place (spec 1 §2.7). @throws KopiaError the caller's code */
  u16LittleEndian(): number {
    const at = this.#take(2, "u16le");
    return (this.#bytes[at] as number) | ((this.#bytes[at + 1] as number) << 8);
  }

  /** Three bytes, big-endian. @throws KopiaError the caller's code */
  u24(): number {
    return this.#bigEndian(3, "u24");
  }

  /** Four bytes, big-endian. @throws KopiaError the caller's code */
  u32(): number {
    return this.#bigEndian(4, "u32");
  }

  /** Six bytes, big-endian. @throws KopiaError the caller's code */
  u48(): number {
    return this.#bigEndian(6, "u48");
  }

  /** Unsigned LEB128 up to 2^53 − 1. @throws KopiaError the caller's code, also when it is longer or larger */
  uvarint(): number {
    const start = this.#offset;
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.#take(1, "uvarint")] as number;
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) {
        throw this.fail(`uvarint at offset ${start} exceeds 2^53`);
      }
      if (byte < 0x80) return value;
      scale *= 128;
      if (scale > 2 ** 49) throw this.fail(`uvarint at offset ${start} is longer than 8 bytes`);
    }
  }

  /** A view of the next bytes. @throws KopiaError the caller's code */
  bytes(lengthBytes: number): Uint8Array {
    const at = this.#take(lengthBytes, "bytes");
    return this.#bytes.subarray(at, at + lengthBytes);
  }

  /** Refuses bytes after the last field. @throws KopiaError the caller's code */
  expectEnd(): void {
    if (this.remaining !== 0) throw this.fail(`${this.remaining} bytes after the end`);
  }

  /** An error of this reader's code and place; the caller throws it. */
  fail(problem: string): KopiaError {
    const { code, where } = this.#options;
    return new KopiaError(code, `${where}: ${problem} (at offset ${this.#offset})`, {
      details: { where, offset: this.#offset },
    });
  }

  #bigEndian(lengthBytes: number, what: string): number {
    const at = this.#take(lengthBytes, what);
    let value = 0;
    for (let i = at; i < at + lengthBytes; i++) value = value * 256 + (this.#bytes[i] as number);
    return value;
  }

  #take(lengthBytes: number, what: string): number {
    const at = this.#offset;
    if (!Number.isInteger(lengthBytes) || lengthBytes < 0 || lengthBytes > this.remaining) {
      throw this.fail(`${what}: ${lengthBytes} bytes wanted, ${this.remaining} left`);
    }
    this.#offset = at + lengthBytes;
    return at;
  }
}
