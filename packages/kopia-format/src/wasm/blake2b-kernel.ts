import type { Bytes } from "../base/bytes.ts";
import { WASM_BASE64 } from "./blake2b-kernel.wasm.ts";
import { loadKernel, type KernelMemory } from "./load-kernel.ts";

// Memory map: the first four are constants of blake2b-kernel.as.
const START_OFFSET = 0x1000;
const TAILS_OFFSET = 0x11c0;
const BLOCK_BYTES = 128;
const ENTRY_WORDS = 3;
const TABLE_OFFSET = 0x2000;
const RESULTS_OFFSET = 0x4000;
const INPUT_OFFSET = 0x10000;
const INPUT_BYTES = 2 ** 19;
const MAX_MESSAGES = 256;

/** Initial state of BLAKE2b (RFC 7693 §2.6). */
const IV: readonly bigint[] = [
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
];

/** The only result length of the kernel: that of all of Kopia's BLAKE2b hashes. */
export const LANES_RESULT_BYTES = 32;

interface KernelExports {
  readonly memory: KernelMemory;
  readonly hashMany: (entries: number, count: number, countedBytes: number) => void;
  readonly takeKey: () => void;
}

/** Several messages at once, in order; each result has 32 bytes of its own. */
export type HashManyMessages = (messages: readonly Uint8Array[]) => Bytes[];

/**
 * BLAKE2b with 32 bytes of result under a key of at most 64 bytes (none when empty), two messages at a time.
 * `undefined` where there is no WebAssembly with vectors.
 * @param hashOne for messages that are empty, or too long for the kernel's memory.
 */
export function loadBlake2bLanes(
  key: Uint8Array,
  hashOne: (message: Uint8Array) => Bytes,
): HashManyMessages | undefined {
  const exports = loadKernel(WASM_BASE64) as KernelExports | undefined;
  if (exports === undefined) return undefined;
  const countedBytes = begin(exports, key);
  const bytes = new Uint8Array(exports.memory.buffer);
  const table = new Uint32Array(exports.memory.buffer, TABLE_OFFSET, MAX_MESSAGES * ENTRY_WORDS);
  return (messages) => {
    const hashes: Bytes[] = [];
    /** Index of the message in each row of the table. */
    const gathered: number[] = [];
    let inputBytes = 0;
    const run = (): void => {
      exports.hashMany(TABLE_OFFSET, gathered.length, countedBytes);
      for (const [row, index] of gathered.entries()) {
        const start = RESULTS_OFFSET + row * LANES_RESULT_BYTES;
        hashes[index] = bytes.slice(start, start + LANES_RESULT_BYTES);
      }
      gathered.length = 0;
      inputBytes = 0;
    };
    for (const [index, message] of messages.entries()) {
      const { length } = message;
      if (length === 0 || length > INPUT_BYTES) {
        hashes[index] = hashOne(message);
        continue;
      }
      if (inputBytes + length > INPUT_BYTES || gathered.length === MAX_MESSAGES) run();
      const at = INPUT_OFFSET + inputBytes;
      bytes.set(message, at);
      const row = gathered.push(index) - 1;
      const result = RESULTS_OFFSET + row * LANES_RESULT_BYTES;
      table.set([at, length, result], row * ENTRY_WORDS);
      inputBytes += length;
    }
    if (gathered.length > 0) run();
    return hashes;
  };
}

/** Writes the state that every message begins with; gives the bytes that it has taken. */
function begin({ memory, takeKey }: KernelExports, key: Uint8Array): number {
  const state = new BigUint64Array(memory.buffer, START_OFFSET, IV.length);
  state.set(IV);
  // Parameters: length of the result, of the key, one leaf (RFC 7693 §2.5).
  state[0] = (IV[0] as bigint) ^ BigInt(0x0101_0000 | (key.length << 8) | LANES_RESULT_BYTES);
  if (key.length === 0) return 0;
  const block = new Uint8Array(memory.buffer, TAILS_OFFSET, BLOCK_BYTES);
  block.set(key);
  takeKey();
  block.fill(0);
  return BLOCK_BYTES;
}
