import { KopiaError, errorMessage } from "../base/errors.ts";

/** Where an unpacking failed. */
export interface UnpackContext {
  readonly name: string;
  readonly packedLengthBytes: number;
}

/** The error for a stream that cannot be unpacked. */
export function corruptStream(context: UnpackContext, cause: unknown): KopiaError {
  return new KopiaError(
    "COMPRESSION_CORRUPT",
    `${context.packedLengthBytes} bytes are not a valid ${context.name} stream: ${errorMessage(cause)}`,
    { details: { compressor: context.name, packedLengthBytes: context.packedLengthBytes }, cause },
  );
}

/** The error for a stream that unpacks to more than the caller allows. */
export function overLimit(context: UnpackContext, maxLengthBytes: number): KopiaError {
  return new KopiaError(
    "COMPRESSION_LIMIT",
    `${context.packedLengthBytes} bytes of ${context.name} unpack to more than ${maxLengthBytes} bytes`,
    {
      details: {
        compressor: context.name,
        packedLengthBytes: context.packedLengthBytes,
        maxLengthBytes,
      },
    },
  );
}

/** Runs an unpacker, whose RangeErrors mean that the stream is corrupt. */
export function refusingCorrupt<T>(context: UnpackContext, unpack: () => T): T {
  try {
    return unpack();
  } catch (error) {
    throw error instanceof RangeError ? corruptStream(context, error) : error;
  }
}
