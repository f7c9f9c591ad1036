import {
  errorMessage,
  isKopiaError,
  type ErrorCode,
  type KopiaError,
} from "@kopia-engine/kopia-format";
import { objectIdProblem } from "./id-phrases.ts";

/** What Kopia says while it opens a repository, by what went wrong; scripts look for these texts. */
const OPEN_PHRASES: Partial<Record<ErrorCode, string>> = {
  INVALID_PASSWORD: "unable to create format manager: invalid repository password",
  REPOSITORY_UPGRADING: "repository upgrade in progress",
  REPOSITORY_NOT_FOUND:
    "unable to create format manager: unable to read format blob: error getting kopia.repository blob: BLOB not found",
};

const OPEN_PREFIXES: Partial<Record<ErrorCode, string>> = {
  FORMAT_CORRUPT: "unable to create format manager: can't parse format blob: ",
  FORMAT_UNSUPPORTED: "unable to create format manager: ",
  ALGORITHM_UNKNOWN: "unable to create format manager: ",
  INDEX_CORRUPT:
    "unable to create shared content manager: error loading indexes: error downloading indexes: ",
  STORAGE_PERMISSION: "cannot open storage: ",
  CONFIG_CORRUPT: "error decoding config json: ",
};

/**
 * The message of a failed look for an entry inside a snapshot, as Kopia words it.
 * @param invalidId what Kopia puts before its reason why a text is no object ID.
 */
export function entryPhrase(error: unknown, invalidId = "error parsing root object ID: "): string {
  if (isKopiaError(error, "OBJECT_ID_INVALID")) {
    const problem = objectIdProblem(String(error.details["objectId"] ?? ""));
    return problem === undefined ? error.message : `${invalidId}${problem}`;
  }
  if (!isKopiaError(error, "OBJECT_NOT_FOUND")) return errorMessage(error);
  const { path, parentType } = error.details;
  if (typeof path === "string") {
    const name = JSON.stringify(path.slice(path.lastIndexOf("/") + 1));
    return parentType === "f"
      ? `entry not found ${name}: parent is not a directory`
      : "error reading directory: entry not found";
  }
  const { contentId } = error.details;
  return contentId === undefined
    ? error.message
    : `content ${contentId} not found: object not found`;
}

/** The message about a storage that cannot be reached, as Kopia words it. */
export function storagePhrase(error: KopiaError): string {
  const { path, systemCode } = error.details;
  const reason =
    systemCode === "ENOENT" && typeof path === "string"
      ? `stat ${path}: no such file or directory`
      : error.message;
  return `cannot access storage path: ${reason}`;
}

/** The message of a failed opening as Kopia words it, without any prefix of the command. */
export function openingPhrase(error: unknown): string {
  if (!isKopiaError(error)) return errorMessage(error);
  if (error.code === "STORAGE_UNAVAILABLE") return `cannot open storage: ${storagePhrase(error)}`;
  const phrase = OPEN_PHRASES[error.code];
  return phrase ?? `${OPEN_PREFIXES[error.code] ?? ""}${error.message}`;
}
