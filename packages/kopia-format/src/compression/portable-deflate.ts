import {
  ZStream,
  Z_BUF_ERROR,
  Z_NO_FLUSH,
  Z_OK,
  Z_STREAM_END,
  deflateRaw,
  gzip,
  zlibInflate,
  zlibInflateEnd,
  zlibInflateInit2,
} from "pako";
import { copyBytes, type Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import type { Compressor } from "./compressor.ts";
import type { DeflateVariant } from "./deflate-variants.ts";
import { corruptStream, overLimit } from "./unpack-errors.ts";

/** Window of 32 KiB; zlib takes the negative for "no wrapper" and 16 more for "gzip". */
const WINDOW_BITS = { raw: -15, gzip: 31 } as const;
const MIN_OUTPUT_BYTES = 2 ** 10;
const MAX_FIRST_OUTPUT_BYTES = 2 ** 20;

/** The portable provider: zlib in JavaScript. */
export function portableDeflateCompressor(variant: DeflateVariant): Compressor {
  const { name, headerId, wrapper, level } = variant;
  const pack = wrapper === "gzip" ? gzip : deflateRaw;
  return {
    name,
    headerId,
    provider: "portable",
    compress: (data) => copyBytes(pack(data, { level })),
    decompress: (data, maxLengthBytes) => {
      const failure = { name, packedLengthBytes: data.length };
      const output = new GrowingOutput(data.length * 4, () => overLimit(failure, maxLengthBytes));
      output.maxLengthBytes = maxLengthBytes;
      try {
        inflateAll(data, wrapper, output);
      } catch (error) {
        throw error instanceof KopiaError ? error : corruptStream(failure, error);
      }
      return output.bytes();
    },
  };
}

/** Unpacked bytes, growing up to a limit. */
class GrowingOutput {
  lengthBytes = 0;
  maxLengthBytes = 0;
  readonly #overLimit: () => KopiaError;
  #buffer: Bytes;

  constructor(expectedBytes: number, overLimit: () => KopiaError) {
    this.#overLimit = overLimit;
    const firstBytes = Math.min(Math.max(expectedBytes, MIN_OUTPUT_BYTES), MAX_FIRST_OUTPUT_BYTES);
    this.#buffer = new Uint8Array(firstBytes);
  }

  /** Buffer with room behind `lengthBytes`, one byte beyond the limit at most. */
  withRoom(): Bytes {
    if (this.lengthBytes > this.maxLengthBytes) throw this.#overLimit();
    if (this.lengthBytes < this.#buffer.length) return this.#buffer;
    const grown = new Uint8Array(Math.min(this.#buffer.length * 2, this.maxLengthBytes + 1));
    grown.set(this.#buffer);
    this.#buffer = grown;
    return grown;
  }

  bytes(): Bytes {
    if (this.lengthBytes > this.maxLengthBytes) throw this.#overLimit();
    return this.#buffer.slice(0, this.lengthBytes);
  }
}

/** A gzip stream may have several members, and has at least one; a raw one ends where it ends. */
function inflateAll(
  data: Uint8Array,
  wrapper: DeflateVariant["wrapper"],
  output: GrowingOutput,
): void {
  const hasMembers = wrapper === "gzip";
  let offset = inflateOne(data, WINDOW_BITS[wrapper], output);
  while (offset < data.length) {
    if (!hasMembers) throw new RangeError(`${data.length - offset} bytes after the end`);
    offset += inflateOne(data.subarray(offset), WINDOW_BITS.gzip, output);
  }
}

/** Unpacks one stream or member, whose checksum zlib compares. @returns the bytes it took. */
function inflateOne(data: Uint8Array, windowBits: number, output: GrowingOutput): number {
  const stream = new ZStream();
  if (zlibInflateInit2(stream, windowBits) !== Z_OK) throw new RangeError("cannot begin");
  try {
    stream.input = data;
    stream.avail_in = data.length;
    for (;;) {
      stream.output = output.withRoom();
      stream.next_out = output.lengthBytes;
      stream.avail_out = stream.output.length - output.lengthBytes;
      const status = zlibInflate(stream, Z_NO_FLUSH);
      output.lengthBytes = stream.next_out;
      if (status === Z_STREAM_END) return data.length - stream.avail_in;
      const isStuck = stream.avail_in === 0 && stream.avail_out > 0;
      if ((status !== Z_OK && status !== Z_BUF_ERROR) || isStuck)
        throw new RangeError(stream.msg || "truncated");
    }
  } finally {
    zlibInflateEnd(stream);
  }
}
