import { KopiaError } from "./errors.ts";
import { JsonNumber, type JsonObject, type JsonValue } from "./json-value.ts";

/**
 * The value of a field of an object; `undefined` when it is absent or `null`, which Go treats alike.
 * Exact spelling first, then ASCII case-insensitively (the last such key wins), as Go's decoder matches keys.
 */
export function field(object: JsonObject, name: string): Exclude<JsonValue, null> | undefined {
  if (Object.hasOwn(object, name)) return object[name] ?? undefined;
  let found: JsonValue | undefined;
  const wanted = name.toLowerCase();
  for (const key in object) {
    if (key.length === wanted.length && key.toLowerCase() === wanted) found = object[key];
  }
  return found ?? undefined;
}

/** All keys with their values, in document order (integer-like keys first, as JavaScript orders them). */
export function entriesOf(object: JsonObject): [string, JsonValue][] {
  return Object.entries(object);
}

/**
 * The value as a string.
 * @param where names the field in the message: `kopia.repository.uniqueID`.
 * @throws KopiaError JSON_INVALID
 */
export function asString(value: JsonValue | undefined, where: string): string {
  if (typeof value === "string") return value;
  throw unexpected(value, where, "a string");
}

/**
 * The value as an integer within ±(2^53 − 1).
 * @throws KopiaError JSON_INVALID also for fractions, exponents and larger integers
 */
export function asInteger(value: JsonValue | undefined, where: string): number {
  // Adding 0 turns -0 into 0.
  if (typeof value === "number" && Number.isSafeInteger(value)) return value + 0;
  throw unexpected(value, where, "an integer within ±(2^53 - 1)");
}

/**
 * The value as an integer of 64 bits.
 * @throws KopiaError JSON_INVALID also for fractions, exponents and integers outside int64
 */
export function asBigInteger(value: JsonValue | undefined, where: string): bigint {
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === "bigint" && BigInt.asIntN(64, value) === value) return value;
  throw unexpected(value, where, "an integer of 64 bits");
}

/**
 * The value as a double (rates and other measured values only).
 * @throws KopiaError JSON_INVALID also when it is not finite
 */
export function asNumber(value: JsonValue | undefined, where: string): number {
  const double =
    typeof value === "bigint"
      ? Number(value)
      : value instanceof JsonNumber
        ? value.toNumber()
        : value;
  if (typeof double === "number" && Number.isFinite(double)) return double;
  throw unexpected(value, where, "a number");
}

/**
 * The value as a boolean.
 * @throws KopiaError JSON_INVALID
 */
export function asBoolean(value: JsonValue | undefined, where: string): boolean {
  if (typeof value === "boolean") return value;
  throw unexpected(value, where, "true or false");
}

/**
 * The value as an array.
 * @throws KopiaError JSON_INVALID
 */
export function asArray(value: JsonValue | undefined, where: string): readonly JsonValue[] {
  if (Array.isArray(value)) return value as readonly JsonValue[];
  throw unexpected(value, where, "an array");
}

/**
 * The value as an object.
 * @throws KopiaError JSON_INVALID
 */
export function asObject(value: JsonValue | undefined, where: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw unexpected(value, where, "an object");
}

/** Whether a value is a JSON object. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof JsonNumber)
  );
}

/** Names the kind of a value only, never the value: it may be a secret. */
function unexpected(value: JsonValue | undefined, where: string, wanted: string): KopiaError {
  return new KopiaError("JSON_INVALID", `${where}: expected ${wanted}, found ${kindOf(value)}`, {
    details: { where, expected: wanted },
  });
}

function kindOf(value: JsonValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? "an integer" : "a number without an exact value";
  }
  if (typeof value === "bigint") return "an integer beyond 2^53";
  if (value instanceof JsonNumber) return "a number with a fraction or an exponent";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
