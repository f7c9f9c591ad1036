import type { ErrorCode } from "../base/error-codes.ts";
import { KopiaError, errorMessage, isKopiaError } from "../base/errors.ts";
import type { BlobId } from "./storage.ts";
import { systemErrorCode } from "../base/system-error-code.ts";

/** What was being done when the system refused. */
export interface FailedOperation {
  /** For the message, and because only a read can find a blob missing. */
  readonly action: "read" | "write" | "list" | "open";
  readonly blob?: BlobId;
  readonly path: string;
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: "STORAGE_FULL",
  EDQUOT: "STORAGE_FULL",
  EFBIG: "STORAGE_FULL",
  EACCES: "STORAGE_PERMISSION",
  EPERM: "STORAGE_PERMISSION",
  EROFS: "STORAGE_PERMISSION",
};

/** The typed error of a failed file operation. What has no code of its own is `STORAGE_UNAVAILABLE`: trying again may help. */
export function storageError(error: unknown, operation: FailedOperation): KopiaError {
  if (isKopiaError(error)) return error;
  const systemCode = systemErrorCode(error);
  const { action, blob, path } = operation;
  const isMissing = systemCode === "ENOENT" && action === "read" && blob !== undefined;
  const code = isMissing ? "BLOB_NOT_FOUND" : (CODES[systemCode ?? ""] ?? "STORAGE_UNAVAILABLE");
  const subject = blob === undefined ? path : `blob ${blob}`;
  const message =
    code === "BLOB_NOT_FOUND"
      ? `${subject} is not in storage (${path})`
      : `cannot ${action} ${subject}: ${errorMessage(error)}`;
  return new KopiaError(code, message, {
    details: {
      path,
      ...(blob === undefined ? {} : { blob }),
      ...(systemCode === undefined ? {} : { systemCode }),
    },
    cause: error,
  });
}
