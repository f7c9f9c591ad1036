import { goQuote, goQuoteBytes, type TimeNs } from "@kopia-engine/kopia-format";

const PIECE_BYTES = 2 ** 16;
const QUOTE = 0x22;
const DIGIT_0 = 0x30;

const encoder = new TextEncoder();

/** Whether a character stands for itself in a JSON string: printable ASCII without `"` `\` `<` `>` `&` (spec 2 §6.4). */
const IS_PLAIN = Uint8Array.from({ length: 128 }, (_, code) =>
  code >= 0x20 && !'"\\<>&'.includes(String.fromCharCode(code)) ? 1 : 0,
);

/**
 * Writes JSON straight into bytes, without objects or strings in between: listings have hundreds of thousands
 * of entries. Integers, times and text come out as Go writes them (spec 2 §6.2, §6.4).
 */
export class JsonBytesWriter {
  #buffer: Uint8Array<ArrayBuffer>;
  #length = 0;
  readonly #emit: ((piece: Uint8Array) => void) | undefined;
  #lastDay = NaN;
  #lastDate = "";

  /** @param emit takes full pieces, whose buffer is reused; without it everything is kept for `takeAll`. */
  constructor(emit?: (piece: Uint8Array) => void) {
    this.#emit = emit;
    this.#buffer = new Uint8Array(PIECE_BYTES);
  }

  /** Everything written so far, as bytes of their own. Without `emit` only. */
  takeAll(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }

  /** Emits what is left. */
  flush(): void {
    if (this.#length > 0) this.#emit?.(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }

  /** ASCII text as it is. */
  raw(ascii: string): void {
    this.#reserve(ascii.length);
    const buffer = this.#buffer;
    let at = this.#length;
    for (let i = 0; i < ascii.length; i++) buffer[at++] = ascii.charCodeAt(i);
    this.#length = at;
  }

  /** A JSON string. */
  text(text: string): void {
    this.#reserve(text.length + 2);
    const buffer = this.#buffer;
    let at = this.#length;
    buffer[at++] = QUOTE;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (IS_PLAIN[code] !== 1) {
        this.#bytes(encoder.encode(goQuote(text)));
        return;
      }
      buffer[at++] = code;
    }
    buffer[at++] = QUOTE;
    this.#length = at;
  }

  /** A JSON string from raw bytes, invalid UTF-8 escaped byte by byte; from the text when no bytes are given. */
  rawText(text: string, bytes: Uint8Array | undefined): void {
    if (bytes === undefined) this.text(text);
    else this.#bytes(encoder.encode(goQuoteBytes(bytes)));
  }

  /** An integer in decimal. */
  integer(value: number | bigint): void {
    this.raw(String(value));
  }

  /** A time as a JSON string: RFC 3339 in UTC, trailing zeros trimmed; wrapped to int64 nanoseconds as in Kopia. */
  time(time: TimeNs): void {
    const wrapped = BigInt.asIntN(64, time);
    let seconds = Number(wrapped / 1_000_000_000n);
    let nanoseconds = Number(wrapped % 1_000_000_000n);
    if (nanoseconds < 0) {
      seconds -= 1;
      nanoseconds += 1_000_000_000;
    }
    const day = Math.floor(seconds / 86_400);
    if (day !== this.#lastDay) {
      this.#lastDay = day;
      this.#lastDate = `"${new Date(day * 86_400_000).toISOString().slice(0, 11)}`;
    }
    this.raw(this.#lastDate);
    const second = seconds - day * 86_400;
    this.#reserve(20);
    this.#twoDigits(Math.floor(second / 3600), 0x3a);
    this.#twoDigits(Math.floor(second / 60) % 60, 0x3a);
    this.#twoDigits(second % 60, 0);
    if (nanoseconds !== 0) this.#fraction(nanoseconds);
    this.raw('Z"');
  }

  /** Two digits and, when not 0, a character behind them; room must be reserved. */
  #twoDigits(value: number, behind: number): void {
    this.#buffer[this.#length++] = DIGIT_0 + Math.floor(value / 10);
    this.#buffer[this.#length++] = DIGIT_0 + (value % 10);
    if (behind !== 0) this.#buffer[this.#length++] = behind;
  }

  #fraction(nanoseconds: number): void {
    let end = this.#length + 10;
    this.#buffer[this.#length] = 0x2e;
    let rest = nanoseconds;
    for (let at = end - 1; at > this.#length; at--) {
      this.#buffer[at] = DIGIT_0 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    while (this.#buffer[end - 1] === DIGIT_0) end--;
    this.#length = end;
  }

  #bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Makes room for `lengthBytes` more. */
  #reserve(lengthBytes: number): void {
    if (this.#length + lengthBytes <= this.#buffer.length) return;
    if (this.#emit !== undefined) this.flush();
    if (this.#length + lengthBytes <= this.#buffer.length) return;
    const larger = new Uint8Array(2 * (this.#length + lengthBytes));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}
