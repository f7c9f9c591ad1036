const LETTER_I = 0x49;
const LETTER_Z = 0x5a;
const FIRST_PREFIX = 0x67;
const LAST_PREFIX = 0x7a;
/** Value of a byte as a lowercase hex digit, 16 for every other one. */
const HEX_VALUE = new Uint8Array(256).fill(16);
for (let digit = 0; digit < 16; digit++) HEX_VALUE[digit.toString(16).charCodeAt(0)] = digit;

/** Binary keys of contents, taken from object IDs in text; all of one length. */
export class ContentKeyList {
  /** Length of each key; 0 before the first. */
  keyLength = 0;
  readonly #capacity: number;
  #bytes = new Uint8Array(0);
  #at = 0;

  /** @param capacity how many there will be at most. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The keys, one after the other. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#at);
  }

  /**
   * Adds the key of the first content of the object whose ID stands in `text` (spec 2 §2): indirect lists and
   * compression are marked by letters before it.
   * @returns where the ID ends; -1 where none stands, or one of another length than those before.
   */
  add(text: Uint8Array, offset: number): number {
    let at = offset;
    while (text[at] === LETTER_I) at++;
    if (text[at] === LETTER_Z) at++;
    const first = text[at] as number;
    const hasPrefix = first >= FIRST_PREFIX && first <= LAST_PREFIX;
    if (hasPrefix) at++;
    const start = at;
    if (this.keyLength === 0 && !this.#begin(text, start)) return -1;
    const end = start + 2 * (this.keyLength - 1);
    if (this.#at + this.keyLength > this.#bytes.length) return -1;
    const bytes = this.#bytes;
    let to = this.#at;
    bytes[to++] = hasPrefix ? first : 0;
    for (; at < end; at += 2) {
      const high = HEX_VALUE[text[at] as number] as number;
      const low = HEX_VALUE[text[at + 1] as number] as number;
      // Beyond the end both are undefined.
      if (!(high < 16 && low < 16)) return -1;
      bytes[to++] = (high << 4) | low;
    }
    if ((HEX_VALUE[text[end] as number] as number) < 16) return -1;
    this.#at = to;
    return end;
  }

  #begin(text: Uint8Array, start: number): boolean {
    let end = start;
    while ((HEX_VALUE[text[end] as number] as number) < 16) end++;
    const hashLength = (end - start) / 2;
    if (hashLength === 0 || !Number.isInteger(hashLength)) return false;
    this.keyLength = 1 + hashLength;
    this.#bytes = new Uint8Array(this.#capacity * this.keyLength);
    return true;
  }
}
