/** Gathers a record of little-endian fields. */
export class LittleEndianWriter {
  readonly #parts: number[] = [];

  u8(value: number): this {
    return this.#put(value, 1);
  }

  u16(value: number): this {
    return this.#put(value, 2);
  }

  u32(value: number): this {
    return this.#put(value, 4);
  }

  /** Up to 2^53. */
  u64(value: number): this {
    return this.#put(value % 2 ** 32, 4).#put(Math.floor(value / 2 ** 32), 4);
  }

  bytes(bytes: Uint8Array): this {
    for (const byte of bytes) this.#parts.push(byte);
    return this;
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#parts);
  }

  #put(value: number, lengthBytes: number): this {
    let rest = value;
    for (let index = 0; index < lengthBytes; index++) {
      this.#parts.push(rest % 256);
      rest = Math.floor(rest / 256);
    }
    return this;
  }
}
