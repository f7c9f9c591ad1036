import { loadKernel, type KernelMemory } from "./load-kernel.ts";
import { WASM_BASE64 } from "./scrypt-kernel.wasm.ts";

/** Bytes of the block that ROMix works on: 128·r with r = 8. */
export const SCRYPT_BLOCK_BYTES = 1024;

/** The compiled ROMix of scrypt with r = 8 and p = 1. One use each: it holds all of scrypt's memory. */
export interface ScryptKernel {
  /** Puts the block in place: `SCRYPT_BLOCK_BYTES` bytes. */
  begin(block: Uint8Array): void;
  /** Does a slice of the work, a few milliseconds; `false` when all is done. */
  advance(): boolean;
  /** The mixed block, a view. */
  finish(): Uint8Array;
}

interface KernelExports {
  readonly memory: KernelMemory;
  readonly reserve: (count: number) => number;
  readonly begin: () => void;
  readonly fill: (from: number, to: number) => void;
  readonly filled: (count: number) => void;
  readonly mix: (steps: number, count: number) => void;
  readonly finish: () => number;
}

const SLICES = 32;

/**
 * The kernel with memory for `cost` blocks of 1 KiB; `undefined` where there is no WebAssembly with SIMD
 * or not enough memory.
 * @param cost scrypt's N, a power of two, at least 32.
 */
export function loadScryptKernel(cost: number): ScryptKernel | undefined {
  const exports = loadKernel(WASM_BASE64) as KernelExports | undefined;
  const place = exports?.reserve(cost) ?? 0;
  if (exports === undefined || place === 0) return undefined;
  const view = (at: number): Uint8Array =>
    new Uint8Array(exports.memory.buffer, at, SCRYPT_BLOCK_BYTES);
  const perSlice = cost / SLICES;
  let slice = 0;
  return {
    begin(block) {
      view(place).set(block);
      exports.begin();
      slice = 0;
    },
    advance() {
      if (slice < SLICES) exports.fill(slice * perSlice, (slice + 1) * perSlice);
      else exports.mix(perSlice, cost);
      slice++;
      if (slice === SLICES) exports.filled(cost);
      return slice < 2 * SLICES;
    },
    finish: () => view(exports.finish()),
  };
}
