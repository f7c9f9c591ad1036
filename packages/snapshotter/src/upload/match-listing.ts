import { Buffer } from "node:buffer";
import type { ListedDirectory } from "../fs/listed-directory.ts";
import type { LocalName } from "../fs/local-path.ts";
import { ENTRY_NUMBER } from "../fs/lstat-numbers.ts";
import { PLACEHOLDER_SUFFIX } from "../fs/placeholder.ts";
import type { DirectorySummary } from "../model/directory-entry.ts";
import { entryModeFromPosix } from "../model/entry-mode.ts";
import { startsWithAscii } from "../model/starts-with-ascii.ts";
import { ContentKeyList } from "../model/content-key-list.ts";
import { dayOfDate } from "./day-of-date.ts";

const TYPE_MASK = 0o170000;
const TYPE_REGULAR = 0o100000;
const TYPE_SYMLINK = 0o120000;
const QUOTE = 0x22;
const DOT = 0x2e;
const ZULU = 0x5a;
const DIGIT_0 = 0x30;
/** Integers with more digits than this may exceed 2^53. */
const MAX_EXACT_DIGITS = 15;
const SECONDS_PER_DAY = 86_400;
const DATE_LENGTH = 10;
/** Characters that a stored name holds as they are (spec 2 §6.4). */
const PLAIN = new Uint8Array(128);
for (let code = 0x20; code < 0x7f; code++) PLAIN[code] = 1;
for (const char of '"\\<>&') PLAIN[char.charCodeAt(0)] = 0;

/** What is found of a listing that is as the directory is now. */
export interface MatchedListing {
  readonly summary: DirectorySummary;
  readonly entryCount: number;
  /** Sizes of all entries, links included. */
  readonly sizeBytes: number;
  /** Binary keys of the entries' first contents, one after the other (spec 1 §7.1). */
  readonly keys: Uint8Array<ArrayBuffer>;
  readonly keyLength: number;
}

/**
 * Whether a stored listing says of a directory just what is in it now, so that writing it anew would give
 * the same bytes. Compares the bytes with what `lstat` said, and makes no entries: most directories of most
 * backups have not changed, and their decoding would be the largest part of the work. `undefined` says
 * nothing: something differs, or is none of this function's business (sub-directories, odd names, failures,
 * anything that is not in the form that Kopia writes). Whether the contents are still stored is for the caller to see.
 */
export function matchListing(
  data: Uint8Array,
  listed: ListedDirectory,
): MatchedListing | undefined {
  return new ListingMatcher(data, listed).match();
}

class ListingMatcher {
  readonly #data: Buffer;
  readonly #listed: ListedDirectory;
  readonly #keys: ContentKeyList;
  #at = 0;
  #fileCount = 0;
  #linkCount = 0;
  #fileBytes = 0;
  #linkBytes = 0;
  #maxSeconds = -1;
  #maxNanoseconds = 0;
  /** Where the text of the newest time stands, with its quotes. */
  #maxTimeAt = 0;
  #maxTimeEnd = 0;
  /** Where the last date stood, and its day: neighbours often share it. */
  #dateAt = -1;
  #day = 0;

  constructor(data: Uint8Array, listed: ListedDirectory) {
    this.#data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.#listed = listed;
    this.#keys = new ContentKeyList(listed.names.length);
  }

  match(): MatchedListing | undefined {
    const { names, columns } = this.#listed;
    const isExamined = columns.numbers.length === names.length * ENTRY_NUMBER.count;
    if (names.length === 0 || !isExamined) return undefined;
    if (!this.#accept('{"stream":"kopia:directory","entries":[')) return undefined;
    for (let index = 0; index < names.length; index++) {
      if (index > 0 && !this.#accept(",")) return undefined;
      if (!this.#entry(names[index] as string | LocalName, index * ENTRY_NUMBER.count)) {
        return undefined;
      }
    }
    if (!this.#accept('],"summary":')) return undefined;
    return this.#end();
  }

  /** What must follow when the summary is the one of these entries (spec 2 §6.7). */
  #end(): MatchedListing | undefined {
    const data = this.#data;
    const maxTime = data.toString("latin1", this.#maxTimeAt, this.#maxTimeEnd);
    const counts = `"size":${this.#fileBytes},"files":${this.#fileCount},"symlinks":${this.#linkCount},"dirs":1`;
    const isEnd = this.#accept(`{${counts},"maxTime":${maxTime},"numFailed":0}}\n`);
    if (!isEnd || this.#at !== data.length) return undefined;
    if (!Number.isSafeInteger(this.#fileBytes)) return undefined;
    return {
      entryCount: this.#fileCount + this.#linkCount,
      sizeBytes: this.#fileBytes + this.#linkBytes,
      keys: this.#keys.bytes,
      keyLength: this.#keys.keyLength,
      summary: {
        totalFileSizeBytes: BigInt(this.#fileBytes),
        fileCount: this.#fileCount,
        symlinkCount: this.#linkCount,
        directoryCount: 1,
        maxModTime: BigInt(this.#maxSeconds) * 1_000_000_000n + BigInt(this.#maxNanoseconds),
        fatalErrorCount: 0,
        ignoredErrorCount: 0,
        failedEntries: [],
      },
    };
  }

  #entry(name: string | LocalName, place: number): boolean {
    const { numbers } = this.#listed.columns;
    const posixMode = numbers[place] as number;
    const type = posixMode & TYPE_MASK;
    const isFile = type === TYPE_REGULAR;
    if (!isFile && type !== TYPE_SYMLINK) return false;
    if (typeof name !== "string" || !this.#name(name)) return false;
    if (!this.#accept(isFile ? ',"type":"f"' : ',"type":"s"')) return false;
    if (!this.#mode(entryModeFromPosix(posixMode))) return false;
    const sizeBytes = numbers[place + ENTRY_NUMBER.sizeBytes] as number;
    if (!this.#number(',"size":', sizeBytes)) return false;
    const isSame =
      this.#time(
        numbers[place + ENTRY_NUMBER.mtimeSeconds] as number,
        numbers[place + ENTRY_NUMBER.mtimeNanoseconds] as number,
      ) &&
      this.#number(',"uid":', numbers[place + ENTRY_NUMBER.uid] as number) &&
      this.#number(',"gid":', numbers[place + ENTRY_NUMBER.gid] as number) &&
      this.#object();
    if (!isSame) return false;
    if (isFile) {
      this.#fileCount++;
      this.#fileBytes += sizeBytes;
    } else {
      this.#linkCount++;
      this.#linkBytes += sizeBytes;
    }
    return true;
  }

  #name(name: string): boolean {
    if (name.endsWith(PLACEHOLDER_SUFFIX)) return false;
    if (name === "" || !this.#accept('{"name":"')) return false;
    const data = this.#data;
    const start = this.#at;
    for (let i = 0; i < name.length; i++) {
      const code = name.charCodeAt(i);
      if (data[start + i] !== code || PLAIN[code] !== 1) return false;
    }
    this.#at = start + name.length;
    return this.#accept('"');
  }

  #mode(mode: number): boolean {
    if (mode === 0) return true;
    if (!this.#accept(',"mode":"0')) return false;
    let found = 0;
    for (;;) {
      const digit = (this.#data[this.#at] as number) - DIGIT_0;
      if (!(digit >= 0 && digit <= 7)) break;
      found = found * 8 + digit;
      this.#at++;
    }
    return found === mode && this.#accept('"');
  }

  /** A number with its key; left out when it is 0. */
  #number(key: string, value: number): boolean {
    if (value === 0) return true;
    if (!this.#accept(key)) return false;
    const start = this.#at;
    let found = 0;
    for (;;) {
      const digit = (this.#data[this.#at] as number) - DIGIT_0;
      if (!(digit >= 0 && digit <= 9)) break;
      found = found * 10 + digit;
      this.#at++;
    }
    const length = this.#at - start;
    return found === value && length <= MAX_EXACT_DIGITS && this.#data[start] !== DIGIT_0;
  }

  /** `,"mtime":"2024-01-31T23:59:59.123456789Z"` */
  #time(seconds: number, nanoseconds: number): boolean {
    // The very first second may be the time that is left out.
    if (seconds <= 0 || !this.#accept(',"mtime":')) return false;
    const data = this.#data;
    const start = this.#at;
    if (data[start] !== QUOTE || data[start + 11] !== 0x54) return false;
    const day = this.#dayAt(start + 1);
    const ofDay =
      this.#twoDigits(start + 12) * 3600 +
      this.#twoDigits(start + 15) * 60 +
      this.#twoDigits(start + 18);
    if (data[start + 14] !== 0x3a || data[start + 17] !== 0x3a) return false;
    if (day * SECONDS_PER_DAY + ofDay !== seconds) return false;
    this.#at = start + 20;
    if (!this.#fraction(nanoseconds)) return false;
    if (data[this.#at++] !== ZULU || data[this.#at++] !== QUOTE) return false;
    const isNewest =
      seconds > this.#maxSeconds ||
      (seconds === this.#maxSeconds && nanoseconds > this.#maxNanoseconds);
    if (isNewest) {
      this.#maxSeconds = seconds;
      this.#maxNanoseconds = nanoseconds;
      this.#maxTimeAt = start;
      this.#maxTimeEnd = this.#at;
    }
    return true;
  }

  /** `.123`, without zeros at the end; nothing for 0. */
  #fraction(nanoseconds: number): boolean {
    if (nanoseconds === 0) return true;
    const data = this.#data;
    if (data[this.#at] !== DOT) return false;
    let at = this.#at + 1;
    let rest = nanoseconds;
    for (let unit = 100_000_000; rest > 0; unit /= 10) {
      const digit = Math.floor(rest / unit);
      if (data[at++] !== DIGIT_0 + digit) return false;
      rest -= digit * unit;
    }
    this.#at = at;
    return true;
  }

  /** Days since 1970 of `YYYY-MM-DD`. */
  #dayAt(at: number): number {
    const data = this.#data;
    if (this.#dateAt >= 0) {
      let i = DATE_LENGTH - 1;
      while (i >= 0 && data[at + i] === data[this.#dateAt + i]) i--;
      if (i < 0) return this.#day;
    }
    this.#dateAt = at;
    this.#day = dayOfDate(data.toString("latin1", at, at + DATE_LENGTH));
    return this.#day;
  }

  #twoDigits(at: number): number {
    const tens = (this.#data[at] as number) - DIGIT_0;
    const ones = (this.#data[at + 1] as number) - DIGIT_0;
    return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
  }

  /** `,"obj":"…"}`, whose content's key is kept. */
  #object(): boolean {
    if (!this.#accept(',"obj":"')) return false;
    const end = this.#keys.add(this.#data, this.#at);
    if (end < 0) return false;
    this.#at = end;
    return this.#accept('"}');
  }

  /** Steps over the given text when it stands here. */
  #accept(ascii: string): boolean {
    if (!startsWithAscii(this.#data, this.#at, ascii)) return false;
    this.#at += ascii.length;
    return true;
  }
}
