import type * as NodeZlib from "node:zlib";
import type { InputType, ZlibOptions } from "node:zlib";
import type { Bytes } from "../base/bytes.ts";
import { nodeBuiltin } from "../base/node-builtin.ts";
import type { Compressor } from "./compressor.ts";
import { corruptStream, overLimit } from "./unpack-errors.ts";

type Wrapper = "gzip" | "raw";

// Spec 1 §5.2. A pgzip stream is a gzip stream; the level is a hint, so both are written alike.
const DEFLATE_COMPRESSORS: ReadonlyArray<
  readonly [name: string, headerId: number, wrapper: Wrapper, level: number]
> = [
  ["gzip", 0x1000, "gzip", 6],
  ["gzip-best-speed", 0x1001, "gzip", 1],
  ["gzip-best-compression", 0x1002, "gzip", 9],
  ["pgzip", 0x1300, "gzip", 6],
  ["pgzip-best-speed", 0x1301, "gzip", 1],
  ["pgzip-best-compression", 0x1302, "gzip", 9],
  ["deflate-default", 0x1500, "raw", 6],
  ["deflate-best-speed", 0x1501, "raw", 1],
  ["deflate-best-compression", 0x1502, "raw", 9],
];

/** The gzip, pgzip and deflate compressors (spec 2 §3); none where there is no `node:zlib`. */
export function deflateCompressors(): readonly Compressor[] {
  const zlib = nodeBuiltin("node:zlib");
  if (zlib === undefined) return [];
  return DEFLATE_COMPRESSORS.map(([name, headerId, wrapper, level]) => ({
    name,
    headerId,
    provider: "fast",
    compress(data) {
      const pack = wrapper === "gzip" ? zlib.gzipSync : zlib.deflateRawSync;
      // Room for all of the output at once: stored blocks are the longest.
      return plainBytes(pack(data, { level, chunkSize: data.length + (data.length >> 10) + 64 }));
    },
    decompress: (data, maxLengthBytes) => unpack(zlib, data, { name, wrapper, maxLengthBytes }),
  }));
}

function unpack(
  zlib: typeof NodeZlib,
  data: Uint8Array,
  options: { name: string; wrapper: Wrapper; maxLengthBytes: number },
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
