import { loadKernel, type KernelMemory } from "./load-kernel.ts";
import { WASM_BASE64 } from "./s2-kernel.wasm.ts";

const CRC_TABLES_OFFSET = 0x0400;
const INPUT_OFFSET = 0x24000;
const PAGE_BYTES = 2 ** 16;
// Short copies in the kernel are made 16 bytes at a time.
const SLACK_BYTES = 16;

/** The compiled S2 block codec of this thread. Results may be views that the next call overwrites. */
export interface S2Kernel {
  /** The packed form of a block, and the CRC-32C of the block itself. */
  packBlock(block: Uint8Array, maxPackedBytes: number): { packed: Uint8Array; crc: number };
  /**
   * Unpacks elements into exactly `output`; gives the CRC-32C of the result, or `undefined` when
   * they are corrupt.
   */
  unpackBlock(elements: Uint8Array, output: Uint8Array): number | undefined;
  /** CRC-32C. */
  crc32c(bytes: Uint8Array): number;
}

interface GrowingMemory extends KernelMemory {
  grow(pages: number): number;
}

interface KernelExports {
  readonly memory: GrowingMemory;
  readonly crc32c: (from: number, length: number) => number;
  readonly packBlock: (from: number, length: number, output: number) => number;
  readonly unpackBlock: (from: number, end: number, to: number, outputEnd: number) => number;
}

/** The kernel with its tables in place; `undefined` where there is no WebAssembly with SIMD. */
export function loadS2Kernel(crcTables: readonly Int32Array[]): S2Kernel | undefined {
  const exports = loadKernel(WASM_BASE64) as KernelExports | undefined;
  if (exports === undefined) return undefined;
  const { memory } = exports;
  crcTables.forEach((table, i) => {
    new Int32Array(memory.buffer, CRC_TABLES_OFFSET + i * table.byteLength, 256).set(table);
  });
  /** Copies input in, makes room behind it, and gives the place of the output. */
  const place = (input: Uint8Array, outputBytes: number): { bytes: Uint8Array; output: number } => {
    const output = INPUT_OFFSET + input.length + SLACK_BYTES;
    const missing = output + outputBytes + SLACK_BYTES - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
    const bytes = new Uint8Array(memory.buffer);
    bytes.set(input, INPUT_OFFSET);
    return { bytes, output };
  };
  return {
    packBlock(block, maxPackedBytes) {
      const { bytes, output } = place(block, maxPackedBytes);
      const length = exports.packBlock(INPUT_OFFSET, block.length, output);
      const crc = exports.crc32c(INPUT_OFFSET, block.length) >>> 0;
      return { packed: bytes.subarray(output, output + length), crc };
    },
    unpackBlock(elements, unpacked) {
      const { bytes, output } = place(elements, unpacked.length);
      const [end, outputEnd] = [INPUT_OFFSET + elements.length, output + unpacked.length];
      if (exports.unpackBlock(INPUT_OFFSET, end, output, outputEnd) !== 0) return undefined;
      unpacked.set(bytes.subarray(output, outputEnd));
      return exports.crc32c(output, unpacked.length) >>> 0;
    },
    crc32c(input) {
      place(input, 0);
      return exports.crc32c(INPUT_OFFSET, input.length) >>> 0;
    },
  };
}
