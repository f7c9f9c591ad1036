import { loadKernel, type KernelMemory } from "./load-kernel.ts";
import { WASM_BASE64 } from "./splitter-kernel.wasm.ts";

// Memory map: the first three are constants of splitter-kernel.as.
const BUZHASH_TABLE_OFFSET = 0x0400;
const RABIN_KARP_LEAVE_OFFSET = 0x1000;
const RABIN_KARP_FOLD_OFFSET = 0x1800;
const INPUT_OFFSET = 0x4000;
const WINDOW_BYTES = 64;
/** Bytes that `anyRabinKarp` looks at: four lanes of 8 KiB. */
const LANES_BYTES = 4 * 0x2000;
// One call for as many bytes as the lanes take keeps the copied input in the first-level cache.
const BLOCK_BYTES = LANES_BYTES;

/** Tables of the rolling hashes, computed by the plain twins. */
export interface SplitterTables {
  /** 256 values of Buzhash32. */
  readonly buzhash: Uint32Array;
  /** Asked for by the first Rabin–Karp scan alone: they take 30 ms to compute. */
  rabinKarp(): {
    /** 256 values `(b · x^512) mod P`. */
    readonly leave: BigUint64Array;
    /** 256 values `((b · x^53) mod P) | (b << 53)`. */
    readonly fold: BigUint64Array;
  };
}

/** One scan: `findCandidate` of `splitter/window-scanner.ts` for a fixed mask. */
export type KernelScan = (data: Uint8Array, from: number, to: number) => number;

/** The compiled scans of the splitters. */
export interface SplitterKernel {
  buzhashScan(mask: number): KernelScan;
  rabinKarpScan(mask: number): KernelScan;
}

type FindInMemory = (from: number, to: number, mask: number) => number;

interface KernelExports {
  readonly memory: KernelMemory;
  readonly findBuzhash: FindInMemory;
  readonly findRabinKarp: FindInMemory;
  readonly anyRabinKarp: (from: number, mask: number) => number;
}

/** The kernel of this thread with its tables in place; `undefined` where there is no WebAssembly. */
export function loadSplitterKernel(tables: SplitterTables): SplitterKernel | undefined {
  const exports = loadKernel(WASM_BASE64) as KernelExports | undefined;
  if (exports === undefined) return undefined;
  const { buffer } = exports.memory;
  new Uint32Array(buffer, BUZHASH_TABLE_OFFSET, 256).set(tables.buzhash);
  let hasRabinKarp = false;
  const addRabinKarp = (): void => {
    if (hasRabinKarp) return;
    hasRabinKarp = true;
    const { leave, fold } = tables.rabinKarp();
    new BigUint64Array(buffer, RABIN_KARP_LEAVE_OFFSET, 256).set(leave);
    new BigUint64Array(buffer, RABIN_KARP_FOLD_OFFSET, 256).set(fold);
  };
  const memory = new Uint8Array(buffer);
  const { findBuzhash, findRabinKarp, anyRabinKarp } = exports;
  return {
    buzhashScan: (mask) => blockwise(memory, (from, to) => findBuzhash(from, to, mask)),
    rabinKarpScan(mask) {
      addRabinKarp();
      return blockwise(memory, (from, to) => {
        // The lanes only say whether there is a candidate; which is the first, one chain finds out.
        const sameBlock = to - from === LANES_BYTES;
        if (sameBlock && anyRabinKarp(from, mask) === 0) return findRabinKarp(from, from, mask);
        return findRabinKarp(from, to, mask);
      });
    },
  };
}

/** Copies the input into kernel memory block by block, each with the 64 bytes before it. */
function blockwise(memory: Uint8Array, find: (from: number, to: number) => number): KernelScan {
  const blockStart = INPUT_OFFSET + WINDOW_BYTES;
  return (data, from, to) => {
    for (let position = from; ; position += BLOCK_BYTES) {
      const blockEnd = Math.min(to, position + BLOCK_BYTES);
      memory.set(data.subarray(position - WINDOW_BYTES, blockEnd), INPUT_OFFSET);
      const found = find(blockStart, blockStart + blockEnd - position);
      if (found >= 0) return position + found - blockStart;
      if (blockEnd === to) return -1;
    }
  };
}
