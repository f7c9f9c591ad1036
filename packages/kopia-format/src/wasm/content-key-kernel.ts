import { WASM_BASE64 } from "./content-key-kernel.wasm.ts";
import { loadKernel, type KernelMemory } from "./load-kernel.ts";

// Memory map: constants of content-key-kernel.as.
const MESSAGE_OFFSET = 0x1040;
const BLOCK_OFFSET = 0x1080;
const RESULT_OFFSET = 0x10c0;
const BLOCK_BYTES = 64;
const RESULT_BYTES = 32;
/** Longest message of one block: room for the end mark and the length must remain. */
const MAX_MESSAGE_BYTES = 55;

interface KernelExports {
  readonly memory: KernelMemory;
  readonly keyBlock: (outer: number) => void;
  readonly hmac: (lengthBytes: number) => void;
}

/**
 * HMAC-SHA256 under a fixed key of at most 64 bytes, for messages of at most 55 bytes; `undefined` where
 * there is no WebAssembly. The result is a view of kernel memory, valid until the next call.
 */
export function loadShortHmac(key: Uint8Array): ((message: Uint8Array) => Uint8Array) | undefined {
  const exports = loadKernel(WASM_BASE64) as KernelExports | undefined;
  if (exports === undefined || key.length > BLOCK_BYTES) return undefined;
  const memory = new Uint8Array(exports.memory.buffer);
  for (const [outer, pad] of [0x36, 0x5c].entries()) {
    const block = memory.subarray(BLOCK_OFFSET, BLOCK_OFFSET + BLOCK_BYTES).fill(pad);
    for (const [i, byte] of key.entries()) block[i] = byte ^ pad;
    exports.keyBlock(outer);
    block.fill(0);
  }
  const result = memory.subarray(RESULT_OFFSET, RESULT_OFFSET + RESULT_BYTES);
  return (message) => {
    if (message.length > MAX_MESSAGE_BYTES) {
      throw new RangeError(`message has ${message.length} bytes, at most ${MAX_MESSAGE_BYTES} fit`);
    }
    memory.set(message, MESSAGE_OFFSET);
    exports.hmac(message.length);
    return result;
  };
}
