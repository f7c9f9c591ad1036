import { utf8Decode, utf8Encode, type Bytes } from "../base/bytes.ts";
import type { Compressor } from "./compressor.ts";
import { maskCrc32c } from "./crc32c.ts";
import { s2BlockHeader } from "./s2-block.ts";
import { compiledS2Codec, portableS2Codec, type S2BlockCodec } from "./s2-codec.ts";
import { overLimit, refusingCorrupt, type UnpackContext } from "./unpack-errors.ts";

// Framing (spec 1 §5.2 and its addition): chunks of type (1) ‖ length (u24le) ‖ body.
const CHUNK_PACKED = 0x00;
const CHUNK_STORED = 0x01;
const CHUNK_STREAM_ID = 0xff;
const FIRST_SKIPPABLE_CHUNK = 0x80;
const CHUNK_HEADER_BYTES = 4;
const CHECKSUM_BYTES = 4;
const MAX_BLOCK_BYTES: ReadonlyMap<string, number> = new Map([
  ["S2sTwO", 2 ** 22],
  ["sNaPpY", 2 ** 16],
]);
// As Kopia cuts it.
const WRITTEN_BLOCK_BYTES = 2 ** 20;

const STREAM_ID = new Uint8Array([CHUNK_STREAM_ID, 6, 0, 0, ...utf8Encode("S2sTwO")]);

/** Written alike: only the stream format is tied to the ID. */
const S2_COMPRESSORS: ReadonlyArray<readonly [name: string, headerId: number]> = [
  ["s2-default", 0x1200],
  ["s2-better", 0x1201],
  ["s2-parallel-4", 0x1202],
  ["s2-parallel-8", 0x1203],
];

/** The S2 compressors (spec 2 §3). */
export function s2Compressors(provider: "portable" | "fast"): readonly Compressor[] {
  let codec: S2BlockCodec | undefined;
  // Made when first used: the compiled codec has memory of its own.
  const blocks = (): S2BlockCodec =>
    (codec ??= (provider === "fast" ? compiledS2Codec() : undefined) ?? portableS2Codec);
  return S2_COMPRESSORS.map(([name, headerId]) => ({
    name,
    headerId,
    get provider() {
      return blocks().provider;
    },
    compress: (data) => pack(data, blocks()),
    decompress: (data, maxLengthBytes) => {
      const failure = { name, packedLengthBytes: data.length };
      const options = { failure, maxLengthBytes, codec: blocks() };
      return refusingCorrupt(failure, () => unpack(data, options));
    },
  }));
}

function pack(data: Uint8Array, codec: S2BlockCodec): Bytes {
  const blockCount = Math.ceil(data.length / WRITTEN_BLOCK_BYTES);
  const overheadBytes = CHUNK_HEADER_BYTES + CHECKSUM_BYTES;
  // Blocks that packing would lengthen are stored as they are.
  const output = new Uint8Array(STREAM_ID.length + data.length + blockCount * overheadBytes);
  const view = new DataView(output.buffer);
  output.set(STREAM_ID);
  let to = STREAM_ID.length;
  for (let offset = 0; offset < data.length; offset += WRITTEN_BLOCK_BYTES) {
    const block = data.subarray(offset, offset + WRITTEN_BLOCK_BYTES);
    const { packed, crc } = codec.pack(block);
    const stored = packed.length >= block.length;
    const body = stored ? block : packed;
    const chunkLength = CHECKSUM_BYTES + body.length;
    view.setUint32(to, (chunkLength << 8) | (stored ? CHUNK_STORED : CHUNK_PACKED), true);
    view.setUint32(to + CHUNK_HEADER_BYTES, maskCrc32c(crc), true);
    output.set(body, to + overheadBytes);
    to += overheadBytes + body.length;
  }
  return to === output.length ? output : output.slice(0, to);
}

interface DataChunk {
  readonly checksum: number;
  readonly stored: boolean;
  /** What follows the length of a packed block; all of a stored one. */
  readonly elements: Uint8Array;
  readonly lengthBytes: number;
}

function unpack(
  data: Uint8Array,
  options: { failure: UnpackContext; maxLengthBytes: number; codec: S2BlockCodec },
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
    let crc: number;
    if (chunk.stored) {
      part.set(chunk.elements);
      crc = options.codec.crc32c(part);
    } else crc = options.codec.unpack(chunk.elements, part);
    if (maskCrc32c(crc) !== chunk.checksum) throw new RangeError(`checksum at ${offset}`);
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
  const checksum = new DataView(body.buffer, body.byteOffset, body.length).getUint32(0, true);
  const block = body.subarray(CHECKSUM_BYTES);
  if (stored) return { checksum, stored, elements: block, lengthBytes: block.length };
  const { lengthBytes, elementsOffset } = s2BlockHeader(block);
  return { checksum, stored, elements: block.subarray(elementsOffset), lengthBytes };
}
