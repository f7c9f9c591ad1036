// Blocks of S2: Snappy's elements and repeated offsets (spec 1 §5.2, addition).

const TAG_LITERAL = 0;
const TAG_COPY_1 = 1;
const TAG_COPY_2 = 2;

/** Length a block unpacks to, and where its elements start. */
export interface S2BlockHeader {
  readonly lengthBytes: number;
  readonly elementsOffset: number;
}

/** @throws RangeError when the length is truncated or above 32 bits. */
export function s2BlockHeader(block: Uint8Array): S2BlockHeader {
  let lengthBytes = 0;
  for (let i = 0; i < 5; i++) {
    const byte = block[i];
    if (byte === undefined) throw new RangeError("truncated block length");
    lengthBytes += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { lengthBytes, elementsOffset: i + 1 };
  }
  throw new RangeError("block length has more than 32 bits");
}

/**
 * Unpacks the elements of a block (what follows its header) into exactly `output`.
 *
 * @throws RangeError when the block is corrupt or unpacks to another length.
 */
export function unpackS2Block(block: Uint8Array, output: Uint8Array): void {
  let from = 0;
  let to = 0;
  let copyOffset = 0;
  while (from < block.length) {
    const tag = block[from++] as number;
    const kind = tag & 3;
    let length = (tag >> 2) + 1;
    if (kind === TAG_LITERAL) {
      const extraBytes = length - 60;
      if (extraBytes > 0) {
        length = littleEndian(block, from, extraBytes) + 1;
        from += extraBytes;
      }
      if (length > block.length - from || length > output.length - to) {
        throw new RangeError(`literal of ${length} bytes at ${from}`);
      }
      copyLiteral({ block, from, length, output, to });
      from += length;
      to += length;
      continue;
    }
    if (kind === TAG_COPY_1) {
      const offset = ((tag >> 5) << 8) | littleEndian(block, from++, 1);
      length = ((tag >> 2) & 7) + 4;
      if (offset !== 0) copyOffset = offset;
      else if (length > 8) {
        // A repeat: the length field says how many more bytes hold the length.
        const extraBytes = length - 8;
        length = littleEndian(block, from, extraBytes) + (REPEAT_BASES[extraBytes] as number);
        from += extraBytes;
      }
    } else {
      const offsetBytes = kind === TAG_COPY_2 ? 2 : 4;
      copyOffset = littleEndian(block, from, offsetBytes);
      from += offsetBytes;
    }
    if (copyOffset === 0 || copyOffset > to || length > output.length - to) {
      throw new RangeError(`copy of ${length} bytes from ${copyOffset} back at ${from}`);
    }
    copyBack(output, to, copyOffset, length);
    to += length;
  }
  if (to !== output.length) throw new RangeError(`block ends ${output.length - to} bytes early`);
}

/** Shortest length that 1, 2 and 3 extra bytes of a repeat stand for. */
const REPEAT_BASES = [0, 8, 260, 65_540] as const;

function littleEndian(block: Uint8Array, offset: number, count: number): number {
  if (offset + count > block.length) throw new RangeError("truncated element");
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (block[offset + i] as number);
  return value;
}

function copyLiteral(piece: {
  block: Uint8Array;
  from: number;
  length: number;
  output: Uint8Array;
  to: number;
}): void {
  const { block, from, length, output, to } = piece;
  if (length > 32) {
    output.set(block.subarray(from, from + length), to);
    return;
  }
  for (let i = 0; i < length; i++) output[to + i] = block[from + i] as number;
}

function copyBack(output: Uint8Array, to: number, offset: number, length: number): void {
  if (offset >= length && length > 32) {
    output.copyWithin(to, to - offset, to - offset + length);
    return;
  }
  // Source and target may overlap: bytes just written are read again.
  for (let i = to; i < to + length; i++) output[i] = output[i - offset] as number;
}
