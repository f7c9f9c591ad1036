import { toHex } from "../../base/bytes.ts";
import type { RandomBytes } from "../../base/random.ts";
import type { BlobId } from "../../blob/storage.ts";

/** Kind of a pack: `p` holds file data, `q` holds contents with a prefix letter (spec 1 §4.1). */
export type PackPrefix = "p" | "q";

/** Both kinds of packs. */
export const PACK_PREFIXES: readonly PackPrefix[] = ["p", "q"];

/** Random bytes in a pack's name (spec 1 §14). */
const PACK_ID_RANDOM_BYTES = 16;

/** Kind of pack for contents of a prefix; empty means file data. */
export function packPrefixFor(contentPrefix: string): PackPrefix {
  return contentPrefix === "" ? "p" : "q";
}

/** Kind of pack that holds a content: IDs of odd length have a prefix letter (spec 1 §4.1). */
export function packPrefixOfContent(contentId: string): PackPrefix {
  return contentId.length % 2 === 1 ? "q" : "p";
}

/** Name of a new pack, chosen before its content is known (spec 1 §6.1). */
export function newPackBlobId(prefix: PackPrefix, sessionId: string, random: RandomBytes): BlobId {
  return `${prefix}${toHex(random(PACK_ID_RANDOM_BYTES))}-${sessionId}`;
}
