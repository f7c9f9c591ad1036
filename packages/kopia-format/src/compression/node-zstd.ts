import type * as NodeZlib from "node:zlib";
import type { Bytes } from "../base/bytes.ts";
import type { Compressor } from "./compressor.ts";
import { corruptStream, overLimit } from "./unpack-errors.ts";
import type { ZstdLevel } from "./zstd-levels.ts";

// Windows up to 512 MiB are legal in Kopia's repositories (spec 1 §5.2).
const MAX_WINDOW_LOG = 29;

/** The fast provider: the reference library through `node:zlib`. */
export function nodeZstdCodec(zlib: typeof NodeZlib, level: ZstdLevel): Compressor {
  const { constants } = zlib;
  const compressOptions = {
    params: {
      [constants.ZSTD_c_compressionLevel]: level.level,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  };
  return {
    name: level.name,
    headerId: level.headerId,
    provider: "fast",
    compress: (data) => plainBytes(zlib.zstdCompressSync(data, compressOptions)),
    decompress(data, maxLengthBytes) {
      const context = { name: level.name, packedLengthBytes: data.length };
      try {
        return plainBytes(
          zlib.zstdDecompressSync(data, {
            maxOutputLength: Math.max(1, maxLengthBytes),
            params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
          }),
        );
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
          throw overLimit(context, maxLengthBytes);
        }
        throw corruptStream(context, error);
      }
    },
  };
}

/** The bytes of a Buffer without its methods. */
function plainBytes(buffer: Uint8Array<ArrayBuffer>): Bytes {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
