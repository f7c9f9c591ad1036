import type { Bytes } from "../base/bytes.ts";
import { KopiaError, errorMessage, isKopiaError } from "../base/errors.ts";
import type { ErrorCode } from "../base/error-codes.ts";
import {
  asArray,
  asBoolean,
  asInteger,
  asObject,
  asString,
  field,
  isJsonObject,
} from "../base/json-fields.ts";
import { parseJson } from "../base/json-parse.ts";
import type { JsonObject, JsonValue } from "../base/json-value.ts";
import { decodeBase64 } from "./base64.ts";

/** Longest document of this layer: a format blob has 1 to 2 KB, a full maintenance history some hundred. */
const MAX_DOCUMENT_BYTES = 2 ** 24;

/** Reads fields of one JSON object; absent fields give the zero value, as in Go (spec 1 §0.1). */
export class FieldReader {
  readonly object: JsonObject;
  private readonly where: string;

  constructor(object: JsonObject, where: string) {
    this.object = object;
    this.where = where;
  }

  string(name: string): string {
    const value = field(this.object, name);
    return value === undefined ? "" : asString(value, `${this.where}.${name}`);
  }

  integer(name: string): number {
    const value = field(this.object, name);
    return value === undefined ? 0 : asInteger(value, `${this.where}.${name}`);
  }

  boolean(name: string): boolean {
    const value = field(this.object, name);
    return value === undefined ? false : asBoolean(value, `${this.where}.${name}`);
  }

  bytes(name: string): Bytes {
    const text = this.string(name);
    const bytes = decodeBase64(text);
    if (bytes !== undefined) return bytes;
    throw new KopiaError("JSON_INVALID", `${this.where}.${name}: expected padded base64`);
  }

  array(name: string): readonly JsonValue[] {
    const value = field(this.object, name);
    return value === undefined ? [] : asArray(value, `${this.where}.${name}`);
  }

  /** A nested object; `undefined` when absent. */
  child(name: string): FieldReader | undefined {
    const value = field(this.object, name);
    if (value === undefined) return undefined;
    const where = `${this.where}.${name}`;
    return new FieldReader(asObject(value, where), where);
  }

  /** Members that no known name matches, to be kept when the document is written again. */
  unknownFields(knownNames: ReadonlySet<string>): Record<string, JsonValue> {
    const unknown = Object.create(null) as Record<string, JsonValue>;
    const known = new Set([...knownNames].map((name) => name.toLowerCase()));
    for (const [name, value] of Object.entries(this.object)) {
      if (!known.has(name.toLowerCase())) unknown[name] = value;
    }
    return unknown;
  }
}

/** What is decoded and which error a bad document gives. */
export interface DocumentOptions {
  readonly where: string;
  readonly corruptCode: ErrorCode;
}

/**
 * Parses a JSON document and decodes it.
 * @throws KopiaError `corruptCode` for anything that is not a JSON object of the expected shape.
 */
export function decodeJsonDocument<Value>(
  bytes: Uint8Array,
  options: DocumentOptions,
  decode: (fields: FieldReader) => Value,
): Value {
  const { where, corruptCode } = options;
  try {
    const value = parseJson(bytes, { where, maxLengthBytes: MAX_DOCUMENT_BYTES });
    if (!isJsonObject(value)) {
      throw new KopiaError("JSON_INVALID", `${where}: expected a JSON object`);
    }
    return decode(new FieldReader(value, where));
  } catch (error) {
    const isShapeError =
      isKopiaError(error, "JSON_INVALID") || isKopiaError(error, "LIMIT_EXCEEDED");
    if (!isShapeError) throw error;
    throw new KopiaError(corruptCode, `${where} is damaged: ${errorMessage(error)}`, {
      details: { where },
      cause: error,
    });
  }
}
