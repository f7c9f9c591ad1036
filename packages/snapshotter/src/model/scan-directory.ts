import { isKopiaError, parseGoTime, type TimeNs } from "@kopia-engine/kopia-format";
import { byteText, type ByteText } from "./byte-text.ts";
import type {
  DirectoryEntry,
  DirectoryListing,
  DirectorySummary,
  EntryType,
  FailedEntry,
} from "./directory-entry.ts";
import { startsWithAscii } from "./starts-with-ascii.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const DIGIT_0 = 0x30;
const DIGIT_7 = 0x37;
const DIGIT_9 = 0x39;

/** Integers with more digits than this may exceed 2^53. */
const MAX_EXACT_DIGITS = 15;
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT32 = 2 ** 32 - 1;
const MAX_MODE = 2 ** 31 - 1;
/** `YYYY-MM-DDThh:mm:ss` */
const DATE_TIME_LENGTH = 19;
/** `YYYY-MM-DD` */
const DATE_LENGTH = 10;

/** Thrown inside, caught inside: the bytes are not in the form that Kopia writes. */
const NOT_CANONICAL = new Error("not in canonical form");

/**
 * Decodes a listing in exactly the form that Kopia writes (spec 2 §6.1–§6.7: keys in order, no white space);
 * `undefined` for anything else, valid or not. Reads the bytes once and makes nothing but the result: three to
 * four times as fast as parsing JSON first, and without its garbage.
 */
export function scanDirectory(
  data: Uint8Array,
  provider: ByteText["provider"] = "fast",
): DirectoryListing | undefined {
  try {
    return new DirectoryScanner(data, byteText(data, provider)).listing();
  } catch (error) {
    if (error === NOT_CANONICAL || isKopiaError(error)) return undefined;
    throw error;
  }
}

class DirectoryScanner {
  readonly #data: Uint8Array;
  readonly #texts: ByteText;
  #at = 0;
  /** Where the last date stood, and its midnight: neighbours often share a day. */
  #lastDateAt = -1;
  #lastMidnightSeconds = 0;

  constructor(data: Uint8Array, texts: ByteText) {
    this.#data = data;
    this.#texts = texts;
  }

  listing(): DirectoryListing {
    this.#expect('{"stream":"kopia:directory","entries":');
    const entries: DirectoryEntry[] = [];
    if (!this.#accept("null")) {
      this.#expect("[");
      do entries.push(this.#entry());
      while (this.#acceptByte(COMMA));
      this.#expect("]");
    }
    this.#expect(',"summary":');
    const summary = this.#accept("null") ? undefined : this.#summary();
    this.#expect("}\n");
    if (this.#at !== this.#data.length) throw NOT_CANONICAL;
    return summary === undefined ? { entries } : { entries, summary };
  }

  #entry(): DirectoryEntry {
    if (!this.#acceptByte(OPEN_BRACE)) throw NOT_CANONICAL;
    const name = this.#accept('"name":') ? this.#followed(this.#text()) : "";
    const type = this.#accept('"type":') ? this.#followed(this.#type()) : "";
    const mode = this.#accept('"mode":') ? this.#followed(this.#mode()) : 0;
    const sizeBytes = this.#accept('"size":') ? this.#followed(this.#int64()) : 0n;
    const modTime = this.#accept('"mtime":') ? this.#followed(this.#time()) : 0n;
    const uid = this.#accept('"uid":') ? this.#followed(this.#uint32()) : 0;
    const gid = this.#accept('"gid":') ? this.#followed(this.#uint32()) : 0;
    this.#expect('"obj":');
    const objectId = this.#text();
    if (!this.#accept(',"summ":')) {
      this.#expect("}");
      return { name, type, mode, sizeBytes, modTime, uid, gid, objectId };
    }
    const summary = this.#summary();
    this.#expect("}");
    return { name, type, mode, sizeBytes, modTime, uid, gid, objectId, summary };
  }

  #summary(): DirectorySummary {
    this.#expect('{"size":');
    const totalFileSizeBytes = this.#int64();
    this.#expect(',"files":');
    const fileCount = this.#count();
    this.#expect(',"symlinks":');
    const symlinkCount = this.#count();
    this.#expect(',"dirs":');
    const directoryCount = this.#count();
    this.#expect(',"maxTime":');
    const maxModTime = this.#time();
    const incomplete = this.#accept(',"incomplete":') ? this.#text() : "";
    this.#expect(',"numFailed":');
    const fatalErrorCount = this.#count();
    const ignoredErrorCount = this.#accept(',"numIgnoredErrors":') ? this.#count() : 0;
    const failedEntries = this.#accept(',"errors":[') ? this.#failures() : [];
    this.#expect("}");
    return {
      totalFileSizeBytes,
      fileCount,
      symlinkCount,
      directoryCount,
      maxModTime,
      ...(incomplete === "" ? {} : { incomplete }),
      fatalErrorCount,
      ignoredErrorCount,
      failedEntries,
    };
  }

  #failures(): FailedEntry[] {
    const failures: FailedEntry[] = [];
    do {
      this.#expect('{"path":');
      const path = this.#text();
      this.#expect(',"error":');
      failures.push({ path, error: this.#text() });
      this.#expect("}");
    } while (this.#acceptByte(COMMA));
    if (!this.#acceptByte(CLOSE_BRACKET)) throw NOT_CANONICAL;
    return failures;
  }

  /** A JSON string. */
  #text(): string {
    const data = this.#data;
    if (data[this.#at] !== QUOTE) throw NOT_CANONICAL;
    const start = this.#at + 1;
    let at = start;
    let seen = 0;
    let hasEscape = false;
    for (;;) {
      const byte = data[at];
      if (byte === QUOTE) break;
      if (byte === undefined || byte < 0x20) throw NOT_CANONICAL;
      if (byte === BACKSLASH) {
        hasEscape = true;
        at++;
        // What is escaped is checked as well: it may be no valid UTF-8.
        seen |= data[at] ?? 0;
      }
      seen |= byte;
      at++;
    }
    this.#at = at + 1;
    const texts = this.#texts;
    if (seen >= 0x80 && !texts.isUtf8(start, at)) throw NOT_CANONICAL;
    if (!hasEscape) return seen < 0x80 ? texts.ascii(start, at) : texts.utf8(start, at);
    return unescape(texts.utf8(start - 1, at + 1));
  }

  #type(): EntryType {
    const type = this.#data[this.#at + 1];
    if (this.#data[this.#at] === QUOTE && this.#data[this.#at + 2] === QUOTE) {
      const known = type === 0x66 ? "f" : type === 0x64 ? "d" : type === 0x73 ? "s" : "";
      if (known !== "") {
        this.#at += 3;
        return known;
      }
    }
    return this.#text();
  }

  /** `"0644"`: a zero and octal digits, at most 31 bits. */
  #mode(): number {
    this.#expect('"0');
    let mode = 0;
    const start = this.#at;
    for (;;) {
      const byte = this.#data[this.#at] as number;
      if (!(byte >= DIGIT_0 && byte <= DIGIT_7)) break;
      mode = mode * 8 + (byte - DIGIT_0);
      this.#at++;
    }
    if (this.#at === start || mode > MAX_MODE) throw NOT_CANONICAL;
    this.#expect('"');
    return mode;
  }

  #int64(): bigint {
    const start = this.#at;
    const value = this.#digits();
    if (this.#at - start <= MAX_EXACT_DIGITS) return BigInt(value);
    if (this.#at - start > 19) throw NOT_CANONICAL;
    const exact = BigInt(this.#texts.ascii(start, this.#at));
    if (exact > MAX_INT64) throw NOT_CANONICAL;
    return exact;
  }

  #count(): number {
    const value = this.#digits();
    if (!Number.isSafeInteger(value)) throw NOT_CANONICAL;
    return value;
  }

  #uint32(): number {
    const value = this.#digits();
    if (value > MAX_UINT32) throw NOT_CANONICAL;
    return value;
  }

  /** Decimal digits without sign, leading zero, fraction or exponent; inexact when there are many. */
  #digits(): number {
    const start = this.#at;
    let value = 0;
    for (;;) {
      const byte = this.#data[this.#at] as number;
      if (!(byte >= DIGIT_0 && byte <= DIGIT_9)) break;
      value = value * 10 + (byte - DIGIT_0);
      this.#at++;
    }
    const isOneDigit = this.#at - start === 1;
    if (this.#at === start || (this.#data[start] === DIGIT_0 && !isOneDigit)) throw NOT_CANONICAL;
    return value;
  }

  /** A time: in UTC read here, with another offset (older versions wrote those) by `parseGoTime`. */
  #time(): TimeNs {
    const data = this.#data;
    const start = this.#at + 1;
    const end = data.indexOf(QUOTE, start);
    if (data[this.#at] !== QUOTE || end < 0 || end - start > 64) throw NOT_CANONICAL;
    this.#at = end + 1;
    const fractionStart = start + DATE_TIME_LENGTH;
    const seconds = data[end - 1] === 0x5a ? this.#utcSeconds(start) : NaN;
    const nanoseconds = this.#fraction(fractionStart, end - 1);
    if (Number.isNaN(seconds) || Number.isNaN(nanoseconds)) {
      return BigInt.asIntN(64, parseGoTime(this.#texts.ascii(start, end)));
    }
    return BigInt.asIntN(64, BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds));
  }

  /** Seconds of `YYYY-MM-DDThh:mm:ss` in UTC, NaN when it is anything else. */
  #utcSeconds(start: number): number {
    const data = this.#data;
    const hour = this.#twoDigits(start + 11);
    const minute = this.#twoDigits(start + 14);
    const second = this.#twoDigits(start + 17);
    if (data[start + 10] !== 0x54 || data[start + 13] !== 0x3a || data[start + 16] !== 0x3a) {
      return NaN;
    }
    if (!(hour < 24 && minute < 60 && second < 60)) return NaN;
    if (!this.#isLastDate(start)) {
      const date = this.#texts.ascii(start, start + DATE_LENGTH);
      this.#lastMidnightSeconds = Number(parseGoTime(`${date}T00:00:00Z`) / 1_000_000_000n);
      this.#lastDateAt = start;
    }
    return this.#lastMidnightSeconds + hour * 3600 + minute * 60 + second;
  }

  #isLastDate(start: number): boolean {
    const last = this.#lastDateAt;
    if (last < 0) return false;
    for (let i = DATE_LENGTH - 1; i >= 0; i--) {
      if (this.#data[start + i] !== this.#data[last + i]) return false;
    }
    return true;
  }

  #twoDigits(at: number): number {
    const tens = (this.#data[at] as number) - DIGIT_0;
    const ones = (this.#data[at + 1] as number) - DIGIT_0;
    return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
  }

  /** Nanoseconds of `.123` between two places; 0 when there is nothing, NaN when it is something else. */
  #fraction(start: number, end: number): number {
    if (end <= start) return 0;
    if (this.#data[start] !== 0x2e || end - start < 2 || end - start > 10) return NaN;
    let nanoseconds = 0;
    for (let at = start + 1; at < start + 10; at++) {
      const digit = at < end ? (this.#data[at] as number) - DIGIT_0 : 0;
      if (!(digit >= 0 && digit <= 9)) return NaN;
      nanoseconds = nanoseconds * 10 + digit;
    }
    return nanoseconds;
  }

  /** A value that a comma must follow. */
  #followed<T>(value: T): T {
    if (!this.#acceptByte(COMMA)) throw NOT_CANONICAL;
    return value;
  }

  #expect(ascii: string): void {
    if (!this.#accept(ascii)) throw NOT_CANONICAL;
  }

  /** Steps over the given text when it stands here. */
  #accept(ascii: string): boolean {
    if (!startsWithAscii(this.#data, this.#at, ascii)) return false;
    this.#at += ascii.length;
    return true;
  }

  #acceptByte(byte: number): boolean {
    if (this.#data[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }
}

/** Text of a JSON string literal; lone surrogate escapes become U+FFFD, as in Go. */
function unescape(literal: string): string {
  try {
    return (JSON.parse(literal) as string).toWellFormed();
  } catch {
    throw NOT_CANONICAL;
  }
}
