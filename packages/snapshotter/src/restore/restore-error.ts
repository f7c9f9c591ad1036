import { KopiaError, isKopiaError } from "@kopia-engine/kopia-format";

/** An error of one entry, with its path where it does not name it; faults of the program pass. */
export function entryError(path: string, error: unknown): unknown {
  if (isKopiaError(error) || !(error instanceof Error)) return error;
  return new KopiaError("RESTORE_FAILED", `${path}: ${error.message}`, {
    details: { path },
    cause: error,
  });
}

/** Path of an entry below the target. */
export function joinPath(directory: string, name: string): string {
  return directory === "." ? name : `${directory}/${name}`;
}
