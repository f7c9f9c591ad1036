import { utf8Decode, utf8Encode, type Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import { jsonValueEnd, skipJsonSpace } from "../base/json-scan.ts";
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
 * Reads an index stream: the first JSON value, whatever follows it.
 * @throws KopiaError `OBJECT_CORRUPT` when it is no such list, has no entry, or has pieces that do not join.
 */
export function decodeIndirectList(bytes: Uint8Array): IndirectEntry[] {
  const entries = memberOf(parseFirstValue(bytes), "entries");
  if (!Array.isArray(entries) || entries.length === 0) {
    throw corrupt("it has no entries");
  }
  let offsetBytes = 0;
  return (entries as unknown[]).map((item, index) => {
    const entry = decodeEntry(item, index);
    if (entry.offsetBytes !== offsetBytes) {
      throw corrupt(`entry ${index} starts at ${entry.offsetBytes}, expected ${offsetBytes}`);
    }
    offsetBytes += entry.lengthBytes;
    if (!Number.isSafeInteger(offsetBytes)) throw corrupt(`entry ${index} ends beyond 2^53`);
    return entry;
  });
}

function decodeEntry(item: unknown, index: number): IndirectEntry {
  const objectId = memberOf(item, "o");
  if (typeof objectId !== "string") throw corrupt(`entry ${index} has no object ID`);
  // Fails here, with the index of the entry, and not when the piece is read.
  try {
    parseObjectId(objectId);
  } catch (error) {
    throw corrupt(`entry ${index} has an invalid object ID`, error);
  }
  return {
    offsetBytes: sizeMember(item, { name: "s", index }),
    lengthBytes: sizeMember(item, { name: "l", index }),
    objectId,
  };
}

function sizeMember(item: unknown, field: { name: string; index: number }): number {
  const value = memberOf(item, field.name) ?? 0;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw corrupt(`entry ${field.index} has an invalid "${field.name}"`);
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function parseFirstValue(bytes: Uint8Array): unknown {
  try {
    const start = skipJsonSpace(bytes, 0);
    return JSON.parse(utf8Decode(bytes.subarray(start, jsonValueEnd(bytes, start))));
  } catch (error) {
    throw corrupt("it is not JSON", error);
  }
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
