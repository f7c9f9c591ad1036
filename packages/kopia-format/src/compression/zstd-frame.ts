// Structure of zstd data (RFC 8878 §3.1), without decoding any block: how much it can unpack to,
// and whether it is complete. Decoders are then given only what has passed here.

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
const MAX_BLOCK_BYTES = 2 ** 17;
// Larger windows cannot be in a repository (spec 1 §5.2).
const MAX_WINDOW_BYTES = 2 ** 29;
const BLOCK_RLE = 1;
const BLOCK_COMPRESSED = 2;
const BLOCK_RESERVED = 3;
const LITERALS_WITH_TREE = 2;
const LITERALS_HEADER_BYTES = [3, 3, 4, 5] as const;
const FIELD_LENGTHS_OF_DICTIONARY_ID = [0, 1, 2, 4] as const;

/** What the structure of zstd data says. */
export interface ZstdExtent {
  /** The data cannot unpack to more than this. */
  readonly maxLengthBytes: number;
  /** Length it unpacks to; `undefined` when a frame does not record it (streamed ones do not). */
  readonly lengthBytes: number | undefined;
}

interface FrameHeader {
  readonly blocksOffset: number;
  readonly windowBytes: number;
  readonly contentBytes: number | undefined;
  readonly hasChecksum: boolean;
}

/**
 * Walks all frames of zstd data: any number of them, skippable ones included (spec 1 §5.2).
 *
 * @throws RangeError when the data is truncated, is followed by other bytes, or is not zstd.
 */
export function zstdExtent(data: Uint8Array): ZstdExtent {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  let offset = 0;
  let maxLengthBytes = 0;
  let lengthBytes: number | undefined = 0;
  if (data.length === 0) throw new RangeError("no data");
  while (offset < data.length) {
    const magic = view.getUint32(offset, true);
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      offset += 8 + view.getUint32(offset + 4, true);
      continue;
    }
    if (magic !== FRAME_MAGIC) throw new RangeError(`no zstd frame at offset ${offset}`);
    const header = frameHeader(view, offset + 4);
    const blocks = walkBlocks(view, header);
    maxLengthBytes += Math.min(blocks.maxLengthBytes, header.contentBytes ?? Infinity);
    lengthBytes =
      lengthBytes === undefined || header.contentBytes === undefined
        ? undefined
        : lengthBytes + header.contentBytes;
    offset = blocks.endOffset + (header.hasChecksum ? 4 : 0);
  }
  if (offset !== data.length) throw new RangeError(`truncated: ${offset} bytes needed`);
  return { maxLengthBytes, lengthBytes };
}

function frameHeader(view: DataView, descriptorOffset: number): FrameHeader {
  const descriptor = view.getUint8(descriptorOffset);
  if (descriptor & 0x08) throw new RangeError("reserved bit in the frame header");
  const singleSegment = (descriptor & 0x20) !== 0;
  let offset = descriptorOffset + 1;
  let windowBytes = 0;
  if (!singleSegment) {
    const window = view.getUint8(offset++);
    const base = 2 ** (10 + (window >> 3));
    windowBytes = base + (base / 8) * (window & 7);
  }
  const dictionaryLength = FIELD_LENGTHS_OF_DICTIONARY_ID[(descriptor & 3) as 0 | 1 | 2 | 3];
  for (let i = 0; i < dictionaryLength; i++) {
    if (view.getUint8(offset++) !== 0) throw new RangeError("frame needs a dictionary");
  }
  const size = contentSize(view, { offset, sizeFlag: descriptor >> 6, singleSegment });
  if (singleSegment) windowBytes = size.contentBytes ?? 0;
  else if (windowBytes > MAX_WINDOW_BYTES) throw new RangeError(`window of ${windowBytes} bytes`);
  return {
    blocksOffset: size.endOffset,
    windowBytes,
    contentBytes: size.contentBytes,
    hasChecksum: (descriptor & 0x04) !== 0,
  };
}

function contentSize(
  view: DataView,
  field: { offset: number; sizeFlag: number; singleSegment: boolean },
): { contentBytes: number | undefined; endOffset: number } {
  const { offset, sizeFlag, singleSegment } = field;
  switch (sizeFlag) {
    case 0:
      return singleSegment
        ? { contentBytes: view.getUint8(offset), endOffset: offset + 1 }
        : { contentBytes: undefined, endOffset: offset };
    case 1:
      return { contentBytes: view.getUint16(offset, true) + 256, endOffset: offset + 2 };
    case 2:
      return { contentBytes: view.getUint32(offset, true), endOffset: offset + 4 };
    default:
      // Beyond 2^53 it is inexact, and over every limit all the same.
      return { contentBytes: Number(view.getBigUint64(offset, true)), endOffset: offset + 8 };
  }
}

function walkBlocks(
  view: DataView,
  header: FrameHeader,
): { maxLengthBytes: number; endOffset: number } {
  const maxBlockBytes = Math.min(header.windowBytes, MAX_BLOCK_BYTES);
  let offset = header.blocksOffset;
  let maxLengthBytes = 0;
  for (;;) {
    const word = view.getUint16(offset, true) | (view.getUint8(offset + 2) << 16);
    offset += 3;
    const type = (word >> 1) & 3;
    const size = word >> 3;
    if (type === BLOCK_RESERVED) throw new RangeError(`reserved block type at ${offset - 3}`);
    // Raw and run-length blocks say how long they unpack to; compressed ones are bounded by the window.
    if (type === BLOCK_COMPRESSED) refuseEndlessWeights(view, offset);
    maxLengthBytes += type === BLOCK_COMPRESSED ? maxBlockBytes : size;
    offset += type === BLOCK_RLE ? 1 : size;
    if (word & 1) return { maxLengthBytes, endOffset: offset };
  }
}

/**
 * Refuses a Huffman tree whose weights are all one symbol (RFC 8878 §4.2.1.2): its states take no bits, so that
 * the weights never end. No encoder makes one, and the portable decoder would not return.
 */
function refuseEndlessWeights(view: DataView, blockOffset: number): void {
  const literals = view.getUint8(blockOffset);
  if ((literals & 3) !== LITERALS_WITH_TREE) return;
  const sizeFormat = ((literals >> 2) & 3) as 0 | 1 | 2 | 3;
  const treeOffset = blockOffset + LITERALS_HEADER_BYTES[sizeFormat];
  if (treeOffset >= view.byteLength || view.getUint8(treeOffset) >= 128) return;
  let bit = 8 * (treeOffset + 1);
  const peek = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++) {
      const at = bit + i;
      if (at >> 3 < view.byteLength) value |= ((view.getUint8(at >> 3) >> (at & 7)) & 1) << i;
    }
    return value;
  };
  const accuracy = peek(4) + 5;
  const all = 2 ** (accuracy + 1) - 1;
  bit += 4;
  // Symbols of probability 0 may come first, with how many more of them follow.
  while ((peek(accuracy + 1) & (all >> 1)) === 1) {
    bit += accuracy;
    while (peek(2) === 3) bit += 2;
    bit += 2;
  }
  if (peek(accuracy + 1) === all) throw new RangeError("weights of a Huffman tree without end");
}
