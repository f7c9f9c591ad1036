import { Decompress } from "fzstd";
import { concatBytes, copyBytes, type Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import type { Compressor } from "./compressor.ts";
import { corruptStream, overLimit } from "./unpack-errors.ts";
import { zstdExtent, type ZstdExtent } from "./zstd-frame.ts";
import type { ZstdLevel } from "./zstd-levels.ts";

// zstd-codec has 16 MiB of memory in all and aborts beyond: higher levels and longer inputs do not
// fit. Several frames after each other are as valid as one (spec 1 §5.2).
const MAX_ENCODER_LEVEL = 3;
const MAX_ENCODER_INPUT_BYTES = 2 ** 20;

/** Packs one frame. */
export type PortableEncoder = (data: Uint8Array, level: number) => Uint8Array | null;

let encoder: PortableEncoder | undefined;

/** Gives the compressors below their encoder: `loadPortableZstdEncoder` does. */
export function usePortableZstdEncoder(loaded: PortableEncoder): void {
  encoder = loaded;
}

/** The portable provider: zstd-codec packs, fzstd unpacks. Checksums of frames are not checked. */
export function portableZstdCompressor(level: ZstdLevel): Compressor {
  return {
    name: level.name,
    headerId: level.headerId,
    provider: "portable",
    compress(data) {
      if (encoder === undefined) {
        throw new KopiaError(
          "ALGORITHM_UNKNOWN",
          `${level.name} cannot be written yet: await loadPortableZstdEncoder() first`,
        );
      }
      return packFrames(encoder, data, Math.min(level.level, MAX_ENCODER_LEVEL));
    },
    decompress(data, maxLengthBytes) {
      const failure = { name: level.name, packedLengthBytes: data.length };
      let extent: ZstdExtent;
      try {
        extent = zstdExtent(data);
      } catch (error) {
        throw corruptStream(failure, error);
      }
      // fzstd allocates what the header says: nothing goes past this line that says too much.
      if ((extent.lengthBytes ?? 0) > maxLengthBytes) throw overLimit(failure, maxLengthBytes);
      const unpacked = unpack(data, { ...failure, maxLengthBytes });
      if (extent.lengthBytes !== undefined && unpacked.length !== extent.lengthBytes) {
        throw corruptStream(failure, new RangeError(`length is not ${extent.lengthBytes}`));
      }
      return unpacked;
    },
  };
}

function packFrames(encode: PortableEncoder, data: Uint8Array, level: number): Bytes {
  const frames: Uint8Array[] = [];
  let offset = 0;
  do {
    const frame = encode(data.subarray(offset, offset + MAX_ENCODER_INPUT_BYTES), level);
    if (frame === null) throw new Error(`zstd-codec could not pack ${data.length} bytes`);
    frames.push(frame);
    offset += MAX_ENCODER_INPUT_BYTES;
  } while (offset < data.length);
  return concatBytes(...frames);
}

function unpack(
  data: Uint8Array,
  options: { name: string; packedLengthBytes: number; maxLengthBytes: number },
): Bytes {
  const pieces: Uint8Array[] = [];
  let lengthBytes = 0;
  const stream = new Decompress((piece) => {
    lengthBytes += piece.length;
    if (lengthBytes > options.maxLengthBytes) throw overLimit(options, options.maxLengthBytes);
    // Copied: the decoder goes on writing into its window.
    pieces.push(copyBytes(piece));
  });
  try {
    stream.push(data, true);
  } catch (error) {
    throw error instanceof KopiaError ? error : corruptStream(options, error);
  }
  return concatBytes(...pieces);
}
