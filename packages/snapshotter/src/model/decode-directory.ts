import {
  asArray,
  asObject,
  asString,
  errorMessage,
  field,
  isKopiaError,
  KopiaError,
  parseJson,
} from "@kopia-engine/kopia-format";
import { scanDirectory } from "./scan-directory.ts";
import type { DirectoryListing } from "./directory-entry.ts";
import { entryFromJson, summaryFromJson } from "./entry-json.ts";

const STREAM_NAME = "kopia:directory";

/**
 * Decodes a stored listing; entries keep the order of the stream (spec 2 §6.1).
 * Names are not validated: whoever writes files must do that (spec 2 §6.5).
 * @param where shown in errors, usually the object ID.
 * @throws KopiaError `DIRECTORY_CORRUPT`.
 */
export function decodeDirectory(data: Uint8Array, where = "directory"): DirectoryListing {
  // Nearly every listing is in the one form that Kopia writes; anything else takes the general way.
  return scanDirectory(data) ?? parseDirectory(data, where);
}

/** The general way: any JSON of the right shape. Also the specification of the fast one in tests. */
export function parseDirectory(data: Uint8Array, where: string): DirectoryListing {
  try {
    const json = asObject(parseJson(data, { where, trailingData: "ignore" }), where);
    const stream = asString(field(json, "stream") ?? "", `${where}.stream`);
    if (stream !== STREAM_NAME) {
      throw new KopiaError(
        "DIRECTORY_CORRUPT",
        `${where}: expected the stream "${STREAM_NAME}", found "${stream.slice(0, 100)}"`,
        { details: { where } },
      );
    }
    const entries = asArray(field(json, "entries") ?? [], `${where}.entries`);
    const summary = field(json, "summary");
    return {
      entries: entries.map((entry, index) => {
        const place = `${where}.entries[${index}]`;
        return entryFromJson(asObject(entry, place), place);
      }),
      ...(summary === undefined
        ? {}
        : { summary: summaryFromJson(asObject(summary, `${where}.summary`), `${where}.summary`) }),
    };
  } catch (error) {
    if (isKopiaError(error, "DIRECTORY_CORRUPT") || !isKopiaError(error)) throw error;
    throw new KopiaError("DIRECTORY_CORRUPT", `directory listing: ${errorMessage(error)}`, {
      cause: error,
      details: { where },
    });
  }
}
