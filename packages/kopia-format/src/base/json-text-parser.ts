import { KopiaError } from "./errors.ts";
import { JsonNumber, type JsonValue } from "./json-value.ts";

/** RFC 8259 number, at a position. */
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;

/**
 * The exact JSON parser behind `parseJson`: keeps numbers losslessly, limits nesting, and names the
 * offset of what it refuses. Messages never quote the document, which may hold secrets.
 */
export class JsonTextParser {
  readonly #text: string;
  readonly #where: string;
  readonly #maxDepth: number;
  #at = 0;

  constructor(text: string, options: { readonly where: string; readonly maxDepth: number }) {
    this.#text = text;
    this.#where = options.where;
    this.#maxDepth = options.maxDepth;
  }

  /** Parses the document. @throws KopiaError JSON_INVALID, LIMIT_EXCEEDED */
  parse(trailingData: "refuse" | "ignore"): JsonValue {
    this.#skipSpace();
    const value = this.#value(0);
    if (trailingData === "refuse") {
      this.#skipSpace();
      if (this.#at < this.#text.length) throw this.#invalid("the end of the document");
    }
    return value;
  }

  #value(depth: number): JsonValue {
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object(this.#deeper(depth));
      case "[":
        return this.#array(this.#deeper(depth));
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonValue {
    const object: Record<string, JsonValue> = {};
    this.#at++;
    this.#skipSpace();
    if (this.#accept("}")) return object;
    do {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') throw this.#invalid("a key");
      const key = this.#string();
      this.#skipSpace();
      if (!this.#accept(":")) throw this.#invalid("':'");
      this.#skipSpace();
      setOwn(object, key, this.#value(depth));
      this.#skipSpace();
    } while (this.#accept(","));
    if (!this.#accept("}")) throw this.#invalid("',' or '}'");
    return object;
  }

  #array(depth: number): JsonValue {
    const array: JsonValue[] = [];
    this.#at++;
    this.#skipSpace();
    if (this.#accept("]")) return array;
    do {
      this.#skipSpace();
      array.push(this.#value(depth));
      this.#skipSpace();
    } while (this.#accept(","));
    if (!this.#accept("]")) throw this.#invalid("',' or ']'");
    return array;
  }

  #string(): string {
    const end = this.#stringEnd();
    const literal = this.#text.slice(this.#at, end);
    try {
      const value = literal.includes("\\") ? (JSON.parse(literal) as string) : literal.slice(1, -1);
      this.#at = end;
      return value;
    } catch {
      throw this.#invalid("a string with valid escapes");
    }
  }

  /** Past the closing quote. Walks by hand: a pattern over a long string would exhaust the stack. */
  #stringEnd(): number {
    const text = this.#text;
    for (let i = this.#at + 1; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === 0x22) return i + 1;
      if (code === 0x5c) i++;
      else if (code < 0x20) break;
    }
    throw this.#invalid("a string without control characters and with an end");
  }

  #number(): JsonValue {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) throw this.#invalid("a value");
    const [literal, fraction, exponent] = match;
    this.#at += literal.length;
    if (fraction !== undefined || exponent !== undefined) return new JsonNumber(literal);
    const number = Number(literal);
    return Number.isSafeInteger(number) ? number + 0 : BigInt(literal);
  }

  #word<Value extends JsonValue>(word: string, value: Value): Value {
    if (!this.#text.startsWith(word, this.#at)) throw this.#invalid("a value");
    this.#at += word.length;
    return value;
  }

  #accept(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#at;
    SPACE.test(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #deeper(depth: number): number {
    if (depth < this.#maxDepth) return depth + 1;
    throw new KopiaError(
      "LIMIT_EXCEEDED",
      `${this.#where}: JSON nested deeper than ${this.#maxDepth} levels at offset ${this.#at}`,
      { details: { where: this.#where, offset: this.#at, maxDepth: this.#maxDepth } },
    );
  }

  #invalid(wanted: string): KopiaError {
    const found = this.#at >= this.#text.length ? ", where the document ends" : "";
    return new KopiaError(
      "JSON_INVALID",
      `${this.#where}: invalid JSON: expected ${wanted} at offset ${this.#at}${found}`,
      { details: { where: this.#where, offset: this.#at, expected: wanted } },
    );
  }
}

/** Makes an own property even of `__proto__`. */
function setOwn(object: Record<string, JsonValue>, key: string, value: JsonValue): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  } else {
    object[key] = value;
  }
}
