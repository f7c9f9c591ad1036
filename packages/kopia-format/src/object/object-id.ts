import { KopiaError } from "../base/errors.ts";
import type { ContentId } from "../content/content-entry.ts";

/** Text form of an object ID: `I`* `Z`? content ID (spec 2 §2.1). The empty string is "no object". */
export type ObjectId = string;

/** The parts of an object ID. */
export interface ObjectIdParts {
  /** Number of `I` in front: levels of indirect lists between the ID and the data. */
  readonly indirection: number;
  /** The content holds a 4-byte header and a compressed stream (`Z`, spec 2 §2.6). */
  readonly compressed: boolean;
  readonly contentId: ContentId;
}

/** Deeper nesting than this is refused: two levels already reach beyond 2^60 bytes. */
export const MAX_INDIRECTION = 16;

// Prefix and hash as the content layer has them: even number of hex digits, 1 to 32 bytes.
const CONTENT_ID = /^[g-z]?(?:[0-9a-f]{2}){1,32}$/;

/**
 * Takes an object ID apart. `D` is accepted and dropped, hex of either case is read as lower case.
 * @throws KopiaError `OBJECT_ID_INVALID`, also for the empty ID, which names no object.
 */
export function parseObjectId(text: string): ObjectIdParts {
  let position = 0;
  while (text.charCodeAt(position) === 0x49) position++;
  const indirection = position;
  const compressed = text.charCodeAt(position) === 0x5a;
  if (compressed) position++;
  if (text.charCodeAt(position) === 0x44) position++;
  const contentId = lowerHex(text.slice(position, position + 66));
  const tooLong = text.length > position + 65;
  if (tooLong || !CONTENT_ID.test(contentId) || (compressed && indirection > 0)) {
    throw invalidObjectId(text);
  }
  if (indirection > MAX_INDIRECTION) throw invalidObjectId(text);
  return { indirection, compressed, contentId };
}

/** Puts an object ID together. */
export function formatObjectId(parts: ObjectIdParts): ObjectId {
  return `${"I".repeat(parts.indirection)}${parts.compressed ? "Z" : ""}${parts.contentId}`;
}

/** Whether an object holds a directory listing: the content below all `I` has the prefix `k`. */
export function isDirectoryObjectId(id: ObjectId): boolean {
  return parseObjectId(id).contentId.startsWith("k");
}

// Only the hash part is case-insensitive: a prefix is a lower case letter.
function lowerHex(contentId: string): string {
  if (contentId.length % 2 === 0) return contentId.toLowerCase();
  return contentId.slice(0, 1) + contentId.slice(1).toLowerCase();
}

function invalidObjectId(text: string): KopiaError {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return new KopiaError(
    "OBJECT_ID_INVALID",
    `object ID ${JSON.stringify(shown)} is not of the form I…Z?[g-z]?hex with at most 32 bytes of hash`,
    { details: { objectId: shown } },
  );
}
