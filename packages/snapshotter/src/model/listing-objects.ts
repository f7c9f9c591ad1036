import { ContentKeyList } from "./content-key-list.ts";
import { startsWithAscii } from "./starts-with-ascii.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const LETTER_I = 0x49;
const LETTER_Z = 0x5a;
const LETTER_D = 0x64;
/** An entry has at least so many bytes: `{"name":"a","type":"f","obj":"…"}` with a hash of 16 bytes. */
const MIN_ENTRY_BYTES = 48;

/** What a directory needs: objects that are one content each. */
export interface ListingObjects {
  /** Binary keys of all entries' contents, sub-directories included, one after the other (spec 1 §7.1). */
  readonly keys: Uint8Array;
  readonly keyLength: number;
  /** Object IDs of the sub-directories. */
  readonly directories: readonly string[];
}

/**
 * The objects that a listing names, read from its bytes without making entries: whoever collects garbage needs nothing
 * else. `undefined` says nothing: an object of another kind is among them, or the bytes are not in exactly the form that
 * Kopia writes (spec 2 §6.1–§6.7: keys in order, no white space), so that an object might be overlooked.
 */
export function listingObjects(data: Uint8Array): ListingObjects | undefined {
  return new ListingObjectsScanner(data).scan();
}

/** Thrown inside, caught inside. */
const NOT_PLAIN = new Error("not a listing of single contents in canonical form");

class ListingObjectsScanner {
  readonly #data: Uint8Array;
  readonly #keys: ContentKeyList;
  readonly #directories: string[] = [];
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
    this.#keys = new ContentKeyList(Math.ceil(data.length / MIN_ENTRY_BYTES));
  }

  scan(): ListingObjects | undefined {
    try {
      this.#listing();
    } catch (error) {
      if (error === NOT_PLAIN) return undefined;
      throw error;
    }
    const { bytes: keys, keyLength } = this.#keys;
    return { keys, keyLength, directories: this.#directories };
  }

  #listing(): void {
    this.#expect('{"stream":"kopia:directory","entries":');
    if (!this.#accept("null")) {
      this.#expect("[");
      do this.#entry();
      while (this.#acceptComma());
      this.#expect("]");
    }
    this.#expect(',"summary":');
    if (!this.#accept("null")) this.#summary();
    this.#expect("}\n");
    if (this.#at !== this.#data.length) throw NOT_PLAIN;
  }

  #entry(): void {
    this.#expect("{");
    if (this.#accept('"name":')) this.#textAndComma();
    const isDirectory = this.#accept('"type":') && this.#type() === LETTER_D;
    if (this.#accept('"mode":')) this.#textAndComma();
    if (this.#accept('"size":')) this.#digitsAndComma();
    if (this.#accept('"mtime":')) this.#textAndComma();
    if (this.#accept('"uid":')) this.#digitsAndComma();
    if (this.#accept('"gid":')) this.#digitsAndComma();
    this.#expect('"obj":"');
    this.#object(isDirectory);
    if (this.#accept(',"summ":')) this.#summary();
    this.#expect("}");
  }

  /** `"f",`: the letter. */
  #type(): number {
    const type = this.#data[this.#at + 1] as number;
    if (this.#data[this.#at + 2] !== QUOTE || type === QUOTE || type === BACKSLASH) throw NOT_PLAIN;
    this.#textAndComma();
    return type;
  }

  #object(isDirectory: boolean): void {
    const start = this.#at;
    const first = this.#data[start];
    if (first === LETTER_I || first === LETTER_Z) throw NOT_PLAIN;
    const end = this.#keys.add(this.#data, start);
    if (end < 0) throw NOT_PLAIN;
    if (isDirectory)
      this.#directories.push(String.fromCharCode(...this.#data.subarray(start, end)));
    this.#at = end;
    this.#expect('"');
  }

  #summary(): void {
    this.#expect('{"size":');
    this.#digits();
    this.#expect(',"files":');
    this.#digits();
    this.#expect(',"symlinks":');
    this.#digits();
    this.#expect(',"dirs":');
    this.#digits();
    this.#expect(',"maxTime":');
    this.#text();
    if (this.#accept(',"incomplete":')) this.#text();
    this.#expect(',"numFailed":');
    this.#digits();
    if (this.#accept(',"numIgnoredErrors":')) this.#digits();
    if (this.#accept(',"errors":[')) this.#failures();
    this.#expect("}");
  }

  #failures(): void {
    do {
      this.#expect('{"path":');
      this.#text();
      this.#expect(',"error":');
      this.#text();
      this.#expect("}");
    } while (this.#acceptComma());
    this.#expect("]");
  }

  /** Steps over a JSON string. */
  #text(): void {
    const data = this.#data;
    if (data[this.#at] !== QUOTE) throw NOT_PLAIN;
    let at = this.#at + 1;
    for (;;) {
      const byte = data[at];
      if (byte === QUOTE) break;
      if (byte === undefined || byte < 0x20) throw NOT_PLAIN;
      at += byte === BACKSLASH ? 2 : 1;
    }
    this.#at = at + 1;
  }

  #textAndComma(): void {
    this.#text();
    if (!this.#acceptComma()) throw NOT_PLAIN;
  }

  #digits(): void {
    const start = this.#at;
    for (;;) {
      const byte = this.#data[this.#at] as number;
      if (!(byte >= DIGIT_0 && byte <= DIGIT_9)) break;
      this.#at++;
    }
    if (this.#at === start) throw NOT_PLAIN;
  }

  #digitsAndComma(): void {
    this.#digits();
    if (!this.#acceptComma()) throw NOT_PLAIN;
  }

  #acceptComma(): boolean {
    if (this.#data[this.#at] !== COMMA) return false;
    this.#at++;
    return true;
  }

  #expect(ascii: string): void {
    if (!this.#accept(ascii)) throw NOT_PLAIN;
  }

  /** Steps over the given text when it stands here. */
  #accept(ascii: string): boolean {
    if (!startsWithAscii(this.#data, this.#at, ascii)) return false;
    this.#at += ascii.length;
    return true;
  }
}
