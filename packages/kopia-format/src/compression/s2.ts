import { concatBytes, utf8Decode, utf8Encode, type Bytes } from "../base/bytes.ts";
import type { Compressor } from "./compressor.ts";
import { maskedCrc32c } from "./crc32c.ts";
import { s2BlockHeader, unpackS2Block } from "./s2-block.ts";
import { packS2Block, s2PackBound } from "./s2-pack.ts";
import { overLimit, refusingCorrupt, type UnpackContext } from "./unpack-errors.ts";

// Framing (spec 1 §5.2 and its addition): chunks of type (1) ‖ length (u24le) ‖ body.
const CHUNK_PACKED = 0x00;
const CHUNK_STORED = 0x01;
const CHUNK_STREAM_ID = 0xff;
const FIRST_SKIPPABLE_CHUNK = 0x80;
const CHECKSUM_BYTES = 4;
const MAX_BLOCK_BYTES: ReadonlyMap<string, number> = new Map([
  ["S2sTwO", 2 ** 22],
  ["sNaPpY", 2 ** 16],
]);
// As Kopia cuts it.
const WRITTEN_BLOCK_BYTES = 2 ** 20;

/** Written alike: only the stream format is tied to the ID. */
const S2_COMPRESSORS: ReadonlyArray<readonly [name: string, headerId: number]> = [
  ["s2-default", 0x1200],
  ["s2-better", 0x1201],
  ["s2-parallel-4", 0x1202],
  ["s2-parallel-8", 0x1203],
];

/** The S2 compressors (spec 2 §3), in plain TypeScript under both providers. */
export function s2Compressors(provider: "portable" | "fast"): readonly Compressor[] {
  return S2_COMPRESSORS.map(([name, headerId]) => ({
    name,
    headerId,
    provider,
    compress: pack,
    decompress: (data, maxLengthBytes) => {
      const failure = { name, packedLengthBytes: data.length };
      return refusingCorrupt(failure, () => unpack(data, { failure, maxLengthBytes }));
    },
  }));
}

function pack(data: Uint8Array): Bytes {
  const parts: Uint8Array[] = [chunkHeader(CHUNK_STREAM_ID, 6), utf8Encode("S2sTwO")];
  for (let offset = 0; offset < data.length; offset += WRITTEN_BLOCK_BYTES) {
    const block = data.subarray(offset, offset + WRITTEN_BLOCK_BYTES);
    const checksum = new Uint8Array(CHECKSUM_BYTES);
    new DataView(checksum.buffer).setUint32(0, maskedCrc32c(block), true);
    const packed = new Uint8Array(s2PackBound(block.length));
    const length = packS2Block(block, packed);
    const [type, body] =
      length < block.length
        ? ([CHUNK_PACKED, packed.subarray(0, length)] as const)
        : ([CHUNK_STORED, block] as const);
    parts.push(chunkHeader(type, CHECKSUM_BYTES + body.length), checksum, body);
  }
  return concatBytes(...parts);
}

function chunkHeader(type: number, length: number): Bytes {
  return new Uint8Array([type, length & 255, (length >> 8) & 255, length >> 16]);
}

interface DataChunk {
  readonly checksum: number;
  readonly stored: boolean;
  /** The block without its checksum. */
  readonly block: Uint8Array;
  readonly elementsOffset: number;
  readonly lengthBytes: number;
}

function unpack(
  data: Uint8Array,
  options: { failure: UnpackContext; maxLengthBytes: number },
): Bytes {
  const chunks: DataChunk[] = [];
  let lengthBytes = 0;
  for (const chunk of dataChunks(data)) {
    lengthBytes += chunk.lengthBytes;
    if (lengthBytes > options.maxLengthBytes) {
      throw overLimit(options.failure, options.maxLengthBytes);
    }
    chunks.push(chunk);
  }
  const output = new Uint8Array(lengthBytes);
  let offset = 0;
  for (const chunk of chunks) {
    const part = output.subarray(offset, offset + chunk.lengthBytes);
    if (chunk.stored) part.set(chunk.block);
    else unpackS2Block(chunk.block, chunk.elementsOffset, part);
    if (maskedCrc32c(part) !== chunk.checksum) throw new RangeError(`checksum at ${offset}`);
    offset += chunk.lengthBytes;
  }
  return output;
}

function* dataChunks(data: Uint8Array): Generator<DataChunk> {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  let maxBlockBytes: number | undefined;
  for (let offset = 0; offset < data.length;) {
    const type = view.getUint8(offset);
    const length = view.getUint16(offset + 1, true) | (view.getUint8(offset + 3) << 16);
    const body = data.subarray(offset + 4, offset + 4 + length);
    if (body.length !== length) throw new RangeError(`chunk at ${offset} is truncated`);
    if (type === CHUNK_STREAM_ID) {
      maxBlockBytes = MAX_BLOCK_BYTES.get(utf8Decode(body));
      if (maxBlockBytes === undefined) throw new RangeError("unknown stream identifier");
    } else if (maxBlockBytes === undefined) {
      throw new RangeError("no stream identifier at the start");
    } else if (type === CHUNK_PACKED || type === CHUNK_STORED) {
      const chunk = dataChunk(body, type === CHUNK_STORED);
      if (chunk.lengthBytes > maxBlockBytes) {
        throw new RangeError(`block of ${chunk.lengthBytes} bytes at ${offset}`);
      }
      yield chunk;
    } else if (type < FIRST_SKIPPABLE_CHUNK) {
      throw new RangeError(`chunk type ${type} at ${offset}`);
    }
    offset += 4 + length;
  }
  if (maxBlockBytes === undefined) throw new RangeError("no data");
}

function dataChunk(body: Uint8Array, stored: boolean): DataChunk {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const checksum = view.getUint32(0, true);
  const block = body.subarray(CHECKSUM_BYTES);
  const header = stored ? { lengthBytes: block.length, elementsOffset: 0 } : s2BlockHeader(block);
  return { checksum, stored, block, ...header };
}
