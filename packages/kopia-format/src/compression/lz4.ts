import type { Bytes } from "../base/bytes.ts";
import type { Compressor } from "./compressor.ts";
import { packLz4Frame } from "./lz4-pack.ts";
import { overLimit, refusingCorrupt, type UnpackContext } from "./unpack-errors.ts";
import { xxhash32 } from "./xxhash32.ts";

// LZ4 frames as Kopia up to 0.22 wrote them (spec 1 §5.2, addition). 0.23 cannot read them, so
// that no policy chooses them (spec 1 §13, trap 31); they are written where their ID is asked for.
const FRAME_MAGIC = 0x184d2204;
const STORED_BIT = 0x80000000;
const MIN_MATCH_BYTES = 4;

/** The compressor of header ID 0x1400. Kopia 0.23 cannot read what it writes. */
export const lz4Compressor: Compressor = {
  name: "lz4",
  headerId: 0x1400,
  // There is one implementation for all platforms.
  provider: "portable",
  compress: packLz4Frame,
  decompress: (data, maxLengthBytes) => {
    const failure = { name: "lz4", packedLengthBytes: data.length };
    return refusingCorrupt(failure, () => unpackFrame(data, { failure, maxLengthBytes }));
  },
};

interface UnpackOptions {
  readonly failure: UnpackContext;
  readonly maxLengthBytes: number;
}

interface FrameHeader {
  readonly blocksOffset: number;
  readonly maxBlockBytes: number;
  readonly contentBytes: number | undefined;
  readonly blockChecksums: boolean;
  readonly contentChecksum: boolean;
}

function unpackFrame(data: Uint8Array, options: UnpackOptions): Bytes {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const header = frameHeader(data, view);
  const { contentBytes, maxBlockBytes } = header;
  if ((contentBytes ?? 0) > options.maxLengthBytes) {
    throw overLimit(options.failure, options.maxLengthBytes);
  }
  const output = new Lz4Output(options);
  let offset = header.blocksOffset;
  for (;;) {
    const word = view.getUint32(offset, true);
    offset += 4;
    if (word === 0) break;
    const length = word & ~STORED_BIT;
    const block = data.subarray(offset, offset + length);
    if (block.length !== length) throw new RangeError(`block at ${offset} is truncated`);
    offset += length;
    if (header.blockChecksums) {
      if (xxhash32(block) !== view.getUint32(offset, true)) throw new RangeError("block checksum");
      offset += 4;
    }
    if (word & STORED_BIT) output.literal(block, 0, length);
    else unpackBlock(block, output, output.length + maxBlockBytes);
  }
  const unpacked = output.bytes();
  if (header.contentChecksum) {
    if (xxhash32(unpacked) !== view.getUint32(offset, true)) throw new RangeError("checksum");
    offset += 4;
  }
  if (offset !== data.length) throw new RangeError(`${data.length - offset} bytes after the end`);
  if (contentBytes !== undefined && contentBytes !== unpacked.length) {
    throw new RangeError(`length is not ${contentBytes}`);
  }
  return unpacked;
}

function frameHeader(data: Uint8Array, view: DataView): FrameHeader {
  if (view.getUint32(0, true) !== FRAME_MAGIC) throw new RangeError("no LZ4 frame");
  const flags = view.getUint8(4);
  const sizeCode = (view.getUint8(5) >> 4) & 7;
  if (flags >> 6 !== 1 || flags & 0x03 || sizeCode < 4) {
    throw new RangeError("unknown version, dictionary or block size");
  }
  const hasContentSize = (flags & 0x08) !== 0;
  const checksumOffset = hasContentSize ? 14 : 6;
  const expected = (xxhash32(data.subarray(4, checksumOffset)) >>> 8) & 255;
  if (view.getUint8(checksumOffset) !== expected) throw new RangeError("header checksum");
  return {
    blocksOffset: checksumOffset + 1,
    maxBlockBytes: 2 ** (8 + 2 * sizeCode),
    contentBytes: hasContentSize ? Number(view.getBigUint64(6, true)) : undefined,
    blockChecksums: (flags & 0x10) !== 0,
    contentChecksum: (flags & 0x04) !== 0,
  };
}

/** Unpacked bytes so far, growing up to the caller's limit. Copies may reach into earlier blocks. */
class Lz4Output {
  length = 0;
  readonly #options: UnpackOptions;
  #buffer: Bytes = new Uint8Array(2 ** 16);

  constructor(options: UnpackOptions) {
    this.#options = options;
  }

  literal(block: Uint8Array, from: number, length: number): void {
    this.#reserve(length);
    this.#buffer.set(block.subarray(from, from + length), this.length);
    this.length += length;
  }

  copyBack(offset: number, length: number): void {
    if (offset === 0 || offset > this.length) throw new RangeError(`copy from ${offset} back`);
    this.#reserve(length);
    const end = this.length + length;
    if (offset >= length) {
      this.#buffer.copyWithin(this.length, this.length - offset, end - offset);
    } else {
      const buffer = this.#buffer;
      for (let i = this.length; i < end; i++) buffer[i] = buffer[i - offset] as number;
    }
    this.length = end;
  }

  bytes(): Bytes {
    return this.#buffer.slice(0, this.length);
  }

  #reserve(additionalBytes: number): void {
    const neededBytes = this.length + additionalBytes;
    const { maxLengthBytes, failure } = this.#options;
    if (neededBytes > maxLengthBytes) throw overLimit(failure, maxLengthBytes);
    if (neededBytes <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(neededBytes, 2 * this.#buffer.length));
    grown.set(this.#buffer.subarray(0, this.length));
    this.#buffer = grown;
  }
}

function unpackBlock(block: Uint8Array, output: Lz4Output, maxEnd: number): void {
  let from = 0;
  const extendedLength = (nibble: number): number => {
    let length = nibble;
    if (nibble < 15) return length;
    for (;;) {
      const byte = block[from++];
      if (byte === undefined) throw new RangeError("truncated length");
      length += byte;
      if (byte < 255) return length;
    }
  };
  for (;;) {
    const token = block[from++];
    if (token === undefined) throw new RangeError("block without an end");
    const literalLength = extendedLength(token >> 4);
    if (literalLength > block.length - from) throw new RangeError("truncated literal");
    if (output.length + literalLength > maxEnd) throw new RangeError("block unpacks to too much");
    output.literal(block, from, literalLength);
    from += literalLength;
    // The last sequence has literals only.
    if (from === block.length) return;
    const low = block[from++];
    const high = block[from++];
    if (low === undefined || high === undefined) throw new RangeError("truncated offset");
    const length = extendedLength(token & 15) + MIN_MATCH_BYTES;
    if (output.length + length > maxEnd) throw new RangeError("block unpacks to too much");
    output.copyBack(low | (high << 8), length);
  }
}
