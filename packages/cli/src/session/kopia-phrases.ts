import { errorMessage, isKopiaError, type ErrorCode } from "@kopia-engine/kopia-format";

/** What Kopia says while it opens a repository, by what went wrong; scripts look for these texts. */
const OPEN_PHRASES: Partial<Record<ErrorCode, string>> = {
  INVALID_PASSWORD: "unable to create format manager: invalid repository password",
  REPOSITORY_NOT_FOUND:
    "unable to create format manager: unable to read format blob: error getting kopia.repository blob: BLOB not found",
};

const OPEN_PREFIXES: Partial<Record<ErrorCode, string>> = {
  FORMAT_CORRUPT: "unable to create format manager: can't parse format blob: ",
  FORMAT_UNSUPPORTED: "unable to create format manager: ",
  ALGORITHM_UNKNOWN: "unable to create format manager: ",
  INDEX_CORRUPT:
    "unable to create shared content manager: error loading indexes: error downloading indexes: ",
  STORAGE_UNAVAILABLE: "cannot open storage: cannot access storage path: ",
  STORAGE_PERMISSION: "cannot open storage: ",
  CONFIG_CORRUPT: "error decoding config json: ",
};

/** The message of a failed look for an entry inside a snapshot, as Kopia words it. */
export function entryPhrase(error: unknown): string {
  const isMissingEntry = isKopiaError(error, "OBJECT_NOT_FOUND") && "path" in error.details;
  return isMissingEntry ? "error reading directory: entry not found" : errorMessage(error);
}

/** The message of a failed opening as Kopia words it, without any prefix of the command. */
export function openingPhrase(error: unknown): string {
  if (!isKopiaError(error)) return errorMessage(error);
  const phrase = OPEN_PHRASES[error.code];
  return phrase ?? `${OPEN_PREFIXES[error.code] ?? ""}${error.message}`;
}
