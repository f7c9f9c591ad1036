/**
 * A JSON number that no integer type holds exactly: a fraction or an exponent. The text is
 * kept as it stood, because Go refuses such a literal in an integer field (spec 1 §0.1) and a rewrite
 * must not change it.
 */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The nearest double. */
  toNumber(): number {
    return Number(this.text);
  }
}

/** JSON text to be written as it is, byte for byte (manifest payloads, spec 2 §4). */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * An object as `parseJson` gives it. Read it through `field` and `entriesOf` (json-fields.ts), which
 * look at own properties only; a key may be any string, `__proto__` and `constructor` included. Never
 * copy keys by assignment into a plain object: use a `Map`.
 */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/**
 * A parsed JSON value. Integers within ±(2^53 − 1) are `number`, other integers `bigint`, every other
 * number a `JsonNumber`: nothing loses precision.
 */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | JsonNumber
  | readonly JsonValue[]
  | JsonObject;

/**
 * What `goStringify` writes. Properties that are `undefined` are left out. Plain objects keep their
 * insertion order (Go structures); a `Map` is written with its keys sorted bytewise (Go maps), so
 * keys that people choose belong in a `Map`.
 */
export type JsonInput =
  | null
  | boolean
  | number
  | bigint
  | string
  | JsonNumber
  | RawJson
  | readonly JsonInput[]
  | ReadonlyMap<string, JsonInput>
  | { readonly [key: string]: JsonInput | undefined };
