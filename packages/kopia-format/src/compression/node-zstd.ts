import type * as NodeZlib from "node:zlib";
import { bytesEqual, type Bytes } from "../base/bytes.ts";
import type { Compressor } from "./compressor.ts";
import {
  MAX_REUSED_OUTPUT_BYTES,
  reusableContext,
  type ReusableContext,
} from "./node-zstd-context.ts";
import { corruptStream, overLimit } from "./unpack-errors.ts";
import { zstdExtent, type ZstdExtent } from "./zstd-frame.ts";
import type { ZstdLevel, ZstdTuning } from "./zstd-levels.ts";

// Windows up to 512 MiB are legal in Kopia's repositories (spec 1 §5.2).
const MAX_WINDOW_LOG = 29;
// A context stays as large as its largest input: short contents have one of their own.
const MAX_SMALL_INPUT_BYTES = 2 ** 18;
// Unpacked contents are seldom longer; what is comes in several pieces.
const MAX_CHUNK_BYTES = 2 ** 23;

/** The fast provider: the reference library through `node:zlib`. */
export function nodeZstdCompressor(zlib: typeof NodeZlib, level: ZstdLevel): Compressor {
  const smallParams = compressParams(zlib, level, level.shortTuning);
  const largeParams = compressParams(zlib, level, level.longTuning);
  let small: ReusableContext | undefined;
  let large: ReusableContext | undefined;
  const compressInto: NonNullable<Compressor["compressInto"]> = (data, output, offsetBytes) => {
    if (offsetBytes + compressBound(data.length) > output.length) return undefined;
    const isSmall = data.length <= MAX_SMALL_INPUT_BYTES;
    if (isSmall) small ??= compressContext(zlib, smallParams);
    else large ??= compressContext(zlib, largeParams);
    const context = (isSmall ? small : large) as ReusableContext;
    const lengthBytes = context.runInto(data, output, offsetBytes);
    const isWhole =
      lengthBytes !== undefined &&
      saysLength(output.subarray(offsetBytes, offsetBytes + lengthBytes), data.length);
    if (isWhole) return lengthBytes;
    if (isSmall) small = withoutContext;
    else large = withoutContext;
    return undefined;
  };
  return {
    name: level.name,
    headerId: level.headerId,
    provider: "fast",
    compressInto,
    compress(data) {
      const boundBytes = compressBound(data.length);
      const output = new Uint8Array(boundBytes);
      const lengthBytes = compressInto(data, output, 0);
      if (lengthBytes !== undefined) return output.subarray(0, lengthBytes);
      const params = data.length <= MAX_SMALL_INPUT_BYTES ? smallParams : largeParams;
      // With room for all of the output zstd works in one go, without a window of its own.
      return plainBytes(zlib.zstdCompressSync(data, { params, chunkSize: boundBytes }));
    },
    decompress: (data, maxLengthBytes) =>
      decompress(zlib, data, { name: level.name, maxLengthBytes }),
  };
}

function compressParams(
  { constants }: typeof NodeZlib,
  level: ZstdLevel,
  tuning: ZstdTuning | undefined,
): Record<number, number> {
  const params: Record<number, number> = {
    [constants.ZSTD_c_compressionLevel]: level.level,
    // As Kopia writes it; it costs little beside the compression.
    [constants.ZSTD_c_checksumFlag]: 1,
  };
  if (tuning !== undefined) {
    if (tuning.windowLog !== undefined) params[constants.ZSTD_c_windowLog] = tuning.windowLog;
    params[constants.ZSTD_c_hashLog] = tuning.hashLog;
    params[constants.ZSTD_c_minMatch] = tuning.minMatch;
  }
  return params;
}

const withoutContext: ReusableContext = { run: () => undefined, runInto: () => undefined };
let decompressContext: ReusableContext | undefined;

/** A context that has proven itself, or one that always declines. */
function compressContext(zlib: typeof NodeZlib, params: Record<number, number>): ReusableContext {
  const stream = zlib.createZstdCompress({ params });
  const context = reusableContext(stream, zlib.constants.ZSTD_e_end) ?? withoutContext;
  const probe = new Uint8Array(300).fill(7, 50);
  // Twice: what matters is that a second frame can follow the first.
  for (let round = 0; round < 2; round++) {
    const packed = context.run(probe, compressBound(probe.length));
    if (packed === undefined || !unpacksTo(zlib, packed, probe)) return withoutContext;
  }
  return context;
}

/** Whether a stream is well-formed and names this length. */
function saysLength(stream: Uint8Array, lengthBytes: number): boolean {
  try {
    return zstdExtent(stream).lengthBytes === lengthBytes;
  } catch {
    return false;
  }
}

function unpacksTo(zlib: typeof NodeZlib, packed: Uint8Array, expected: Uint8Array): boolean {
  try {
    return bytesEqual(zlib.zstdDecompressSync(packed), expected);
  } catch {
    return false;
  }
}

function decompress(
  zlib: typeof NodeZlib,
  data: Uint8Array,
  options: { name: string; maxLengthBytes: number },
): Bytes {
  const { maxLengthBytes } = options;
  const failure = { name: options.name, packedLengthBytes: data.length };
  let extent: ZstdExtent;
  try {
    extent = zstdExtent(data);
  } catch (error) {
    throw corruptStream(failure, error);
  }
  if ((extent.lengthBytes ?? 0) > maxLengthBytes) throw overLimit(failure, maxLengthBytes);
  if (extent.maxLengthBytes <= maxLengthBytes && extent.maxLengthBytes < MAX_REUSED_OUTPUT_BYTES) {
    const unpacked = decompressReusing(zlib, data, extent);
    if (unpacked !== undefined) return unpacked;
  }
  let unpacked: Bytes;
  try {
    unpacked = plainBytes(
      zlib.zstdDecompressSync(data, {
        maxOutputLength: Math.max(1, maxLengthBytes),
        params: { [zlib.constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
        chunkSize: Math.min(extent.maxLengthBytes, maxLengthBytes, MAX_CHUNK_BYTES) + 64,
      }),
    );
  } catch (error) {
    const tooLong = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw tooLong ? overLimit(failure, maxLengthBytes) : corruptStream(failure, error);
  }
  if (unpacked.length > maxLengthBytes) throw overLimit(failure, maxLengthBytes);
  return unpacked;
}

/** Small contents through a reused context; `undefined` leaves the answer, or the error, to the documented call. */
function decompressReusing(
  zlib: typeof NodeZlib,
  data: Uint8Array,
  extent: ZstdExtent,
): Bytes | undefined {
  decompressContext ??=
    reusableContext(zlib.createZstdDecompress(), zlib.constants.ZSTD_e_flush) ?? withoutContext;
  const unpacked = decompressContext.run(data, extent.maxLengthBytes);
  const expectedBytes = extent.lengthBytes ?? unpacked?.length;
  if (unpacked !== undefined && unpacked.length === expectedBytes) return unpacked;
  if (decompressContext !== withoutContext) decompressContext = undefined;
  return undefined;
}

/** Longest output for an input of this length: the library's own bound, and the checksum. */
function compressBound(lengthBytes: number): number {
  return lengthBytes + (lengthBytes >> 8) + 128;
}

/** The bytes of a Buffer without its methods. */
function plainBytes(buffer: Uint8Array<ArrayBuffer>): Bytes {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
