import type * as NodeZlib from "node:zlib";
import type { InputType, ZlibOptions } from "node:zlib";
import type { Bytes } from "../base/bytes.ts";
import type { Compressor } from "./compressor.ts";
import type { DeflateVariant } from "./deflate-variants.ts";
import { corruptStream, overLimit } from "./unpack-errors.ts";

/** The fast provider: zlib itself through `node:zlib`. */
export function nodeDeflateCompressor(zlib: typeof NodeZlib, variant: DeflateVariant): Compressor {
  const { name, headerId, wrapper, level } = variant;
  return {
    name,
    headerId,
    provider: "fast",
    compress(data) {
      const pack = wrapper === "gzip" ? zlib.gzipSync : zlib.deflateRawSync;
      // Room for all of the output at once: stored blocks are the longest.
      return plainBytes(pack(data, { level, chunkSize: data.length + (data.length >> 10) + 64 }));
    },
    decompress: (data, maxLengthBytes) => unpack(zlib, data, { name, wrapper, maxLengthBytes }),
  };
}

function unpack(
  zlib: typeof NodeZlib,
  data: Uint8Array,
  options: { name: string; wrapper: DeflateVariant["wrapper"]; maxLengthBytes: number },
): Bytes {
  const { maxLengthBytes } = options;
  const failure = { name: options.name, packedLengthBytes: data.length };
  let result: UnpackResult;
  try {
    const call = options.wrapper === "gzip" ? zlib.gunzipSync : zlib.inflateRawSync;
    result = (call as unknown as UnpackWithInfo)(data, {
      info: true,
      maxOutputLength: Math.max(1, maxLengthBytes),
      chunkSize: Math.min(Math.max(data.length * 4, 2 ** 10), 2 ** 20),
    });
  } catch (error) {
    const tooLong = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw tooLong ? overLimit(failure, maxLengthBytes) : corruptStream(failure, error);
  }
  if (result.buffer.length > maxLengthBytes) throw overLimit(failure, maxLengthBytes);
  const surplusBytes = data.length - result.engine.bytesWritten;
  if (surplusBytes > 0) {
    throw corruptStream(failure, new RangeError(`${surplusBytes} bytes after the end`));
  }
  return plainBytes(result.buffer);
}

/** Documented result of the option `info`, which the types leave out. */
interface UnpackResult {
  readonly buffer: Uint8Array<ArrayBuffer>;
  readonly engine: { readonly bytesWritten: number };
}
type UnpackWithInfo = (data: InputType, options: ZlibOptions) => UnpackResult;

function plainBytes(buffer: Uint8Array<ArrayBuffer>): Bytes {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
