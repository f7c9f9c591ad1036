import { utf8Encode, type Bytes } from "../base/bytes.ts";
import { KopiaError, errorMessage } from "../base/errors.ts";
import { asArray, asInteger, asObject, asString, field } from "../base/json-fields.ts";
import { parseJson } from "../base/json-parse.ts";
import type { JsonObject, JsonValue } from "../base/json-value.ts";
import { parseObjectId, type ObjectId } from "./object-id.ts";

/** One entry of an indirect object: a piece of the object and the object that holds it. */
export interface IndirectEntry {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly objectId: ObjectId;
}

/** Constant `stream` of an index stream; not checked on reading (spec 2 §2.3). */
const STREAM = "kopia:indirect";

/**
 * The index stream of an indirect object, final newline included: these bytes are hashed (spec 2 §2.3).
 * Zero offsets and lengths are left out.
 */
export function encodeIndirectList(entries: readonly IndirectEntry[]): Bytes {
  const parts = entries.map((entry) => {
    const start = entry.offsetBytes === 0 ? "" : `"s":${entry.offsetBytes},`;
    const length = entry.lengthBytes === 0 ? "" : `"l":${entry.lengthBytes},`;
    return `{${start}${length}"o":"${entry.objectId}"}`;
  });
  return utf8Encode(`{"stream":"${STREAM}","entries":[${parts.join(",")}]}\n`);
}

/**
 * Reads an index stream: the first JSON value, whatever follows it. Member names are matched as everywhere in the format,
 * regardless of case; an offset or length with a fraction or an exponent is refused (spec 1 §0.1).
 * @throws KopiaError `OBJECT_CORRUPT` when it is no such list, has no entry, or has pieces that do not join.
 */
export function decodeIndirectList(bytes: Uint8Array): IndirectEntry[] {
  const entries = rawEntries(bytes);
  if (entries.length === 0) throw corrupt("it has no entries");
  let offsetBytes = 0;
  return entries.map((item, index) => {
    const entry = decodeEntry(item, index);
    if (entry.offsetBytes !== offsetBytes) {
      throw corrupt(`entry ${index} starts at ${entry.offsetBytes}, expected ${offsetBytes}`);
    }
    offsetBytes += entry.lengthBytes;
    if (!Number.isSafeInteger(offsetBytes)) throw corrupt(`entry ${index} ends beyond 2^53`);
    return entry;
  });
}

function rawEntries(bytes: Uint8Array): readonly JsonValue[] {
  try {
    // As long as the object that holds it, which has limits of its own.
    const options = {
      where: "list",
      trailingData: "ignore",
      maxLengthBytes: bytes.length,
    } as const;
    return asArray(field(asObject(parseJson(bytes, options), "list"), "entries") ?? [], "entries");
  } catch (error) {
    throw corrupt("it is not a JSON object with a list of entries", error);
  }
}

function decodeEntry(item: JsonValue, index: number): IndirectEntry {
  try {
    const object = asObject(item, "entry");
    const objectId = asString(field(object, "o"), "o");
    // Fails here, with the index of the entry, and not when the piece is read.
    parseObjectId(objectId);
    return { offsetBytes: sizeOf(object, "s"), lengthBytes: sizeOf(object, "l"), objectId };
  } catch (error) {
    throw corrupt(`entry ${index} is invalid: ${errorMessage(error)}`, error);
  }
}

function sizeOf(entry: JsonObject, name: "s" | "l"): number {
  const value = asInteger(field(entry, name) ?? 0, name);
  if (value >= 0) return value;
  throw corrupt(`"${name}" is negative`);
}

function corrupt(what: string, cause?: unknown): KopiaError {
  return new KopiaError(
    "OBJECT_CORRUPT",
    `the index stream of an indirect object cannot be used: ${what}`,
    {
      cause,
    },
  );
}
