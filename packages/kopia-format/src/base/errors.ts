import { ERROR_CODES, type ErrorCode, type RetryAdvice } from "./error-codes.ts";

/** Values that belong to an error: shown to people and kept for programs. Never put a secret here. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** An error as plain data, to cross threads and processes. */
export interface ErrorWire {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
  readonly stack?: string;
  readonly cause?: ErrorWire | { readonly message: string };
}

/**
 * The one error class of this project. `code` is stable and documented in `docs/ERRORS.md`;
 * the message names the value, the place and, from the table, what to do next.
 */
export class KopiaError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: ErrorDetails; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  static {
    Object.defineProperty(this.prototype, "name", { value: "KopiaError" });
  }

  /** Whether trying again later can help. */
  get retry(): RetryAdvice {
    return ERROR_CODES[this.code].retry;
  }

  /** What a person should do next, from the table. */
  get advice(): string {
    return ERROR_CODES[this.code].advice;
  }
}

/** Whether `error` is a `KopiaError`, with the given code when one is named. */
export function isKopiaError(error: unknown, code?: ErrorCode): error is KopiaError {
  return error instanceof KopiaError && (code === undefined || error.code === code);
}

/** The text of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Turns an error into plain data (design §5, "errors cross threads"). */
export function errorToWire(error: KopiaError): ErrorWire {
  const wire = { code: error.code, message: error.message, details: error.details };
  const stack = error.stack === undefined ? {} : { stack: error.stack };
  if (error.cause === undefined) return { ...wire, ...stack };
  const cause = isKopiaError(error.cause)
    ? errorToWire(error.cause)
    : { message: errorMessage(error.cause) };
  return { ...wire, ...stack, cause };
}

/** Rebuilds an error from `errorToWire`. */
export function errorFromWire(wire: ErrorWire): KopiaError {
  const cause =
    wire.cause === undefined
      ? undefined
      : "code" in wire.cause
        ? errorFromWire(wire.cause)
        : new Error(wire.cause.message);
  const error = new KopiaError(wire.code, wire.message, { details: wire.details, cause });
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}
