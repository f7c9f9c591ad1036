import { concatBytes, type Bytes } from "../base/bytes.ts";
import { xxhash32 } from "./xxhash32.ts";

const BLOCK_BYTES = 2 ** 22;
const HASH_BITS = 15;
const MIN_MATCH_BYTES = 4;
/** A block ends with literals: at least 5, and no match begins in its last 12 bytes (LZ4 block format). */
const END_LITERALS = 5;
const NO_MATCH_BYTES = 12;
const MAX_OFFSET = 65_535;
const STORED_BIT = 0x80000000;

/** Packs into a frame like those of Kopia 0.22 (spec 1, additions): independent 4 MiB blocks, content checksum. */
export function packLz4Frame(data: Uint8Array): Bytes {
  const header = Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x64, 0x70, 0);
  header[6] = (xxhash32(header.subarray(4, 6)) >>> 8) & 255;
  const parts: Uint8Array[] = [header];
  const table = new Int32Array(2 ** HASH_BITS);
  for (let start = 0; start < data.length; start += BLOCK_BYTES) {
    const block = data.subarray(start, start + BLOCK_BYTES);
    const packed = packBlock(block, table);
    const isStored = packed.length >= block.length;
    parts.push(littleEndian(isStored ? block.length + STORED_BIT : packed.length));
    parts.push(isStored ? block : packed);
  }
  parts.push(littleEndian(0), littleEndian(xxhash32(data)));
  return concatBytes(...parts);
}

function littleEndian(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Greedy search over a table of the last position of each 4-byte sequence. */
function packBlock(block: Uint8Array, table: Int32Array): Uint8Array {
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  const output = new BlockOutput(block);
  table.fill(-1);
  const lastMatchStart = block.length - NO_MATCH_BYTES;
  let literalStart = 0;
  let misses = 0;
  for (let at = 0; at < lastMatchStart;) {
    const sequence = view.getUint32(at, true);
    const slot = Math.imul(sequence, 0x9e3779b1) >>> (32 - HASH_BITS);
    const candidate = table[slot] as number;
    table[slot] = at;
    const isMatch =
      candidate >= 0 &&
      at - candidate <= MAX_OFFSET &&
      view.getUint32(candidate, true) === sequence;
    if (!isMatch) {
      // Data that does not compress is walked through ever faster.
      at += 1 + (misses++ >> 6);
      continue;
    }
    misses = 0;
    let length = MIN_MATCH_BYTES;
    const maxLength = block.length - END_LITERALS - at;
    while (length < maxLength && block[at + length] === block[candidate + length]) length++;
    output.sequence({ literalStart, literalEnd: at, offset: at - candidate, length });
    at += length;
    literalStart = at;
  }
  output.sequence({ literalStart, literalEnd: block.length, offset: 0, length: 0 });
  return output.bytes();
}

interface Sequence {
  readonly literalStart: number;
  readonly literalEnd: number;
  /** 0 with the last sequence, which has literals only. */
  readonly offset: number;
  readonly length: number;
}

class BlockOutput {
  readonly #block: Uint8Array;
  readonly #output: Bytes;
  #length = 0;

  constructor(block: Uint8Array) {
    this.#block = block;
    // Literals cost at most one byte more in 255.
    this.#output = new Uint8Array(block.length + Math.ceil(block.length / 255) + 16);
  }

  sequence({ literalStart, literalEnd, offset, length }: Sequence): void {
    const literalLength = literalEnd - literalStart;
    const matchCode = offset === 0 ? 0 : length - MIN_MATCH_BYTES;
    this.#byte((Math.min(literalLength, 15) << 4) | Math.min(matchCode, 15));
    this.#extended(literalLength);
    this.#output.set(this.#block.subarray(literalStart, literalEnd), this.#length);
    this.#length += literalLength;
    if (offset === 0) return;
    this.#byte(offset & 255);
    this.#byte(offset >> 8);
    this.#extended(matchCode);
  }

  bytes(): Uint8Array {
    return this.#output.subarray(0, this.#length);
  }

  #extended(value: number): void {
    if (value < 15) return;
    let rest = value - 15;
    for (; rest >= 255; rest -= 255) this.#byte(255);
    this.#byte(rest);
  }

  #byte(value: number): void {
    this.#output[this.#length++] = value;
  }
}
