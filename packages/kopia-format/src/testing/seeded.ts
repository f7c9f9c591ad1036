import type { Bytes } from "../base/bytes.ts";
import type { RandomBytes } from "../base/random.ts";

/** Repeatable pseudo-random bytes: the same seed gives the same bytes, of any length. */
export function seededBytes(seed: number, lengthBytes: number): Bytes {
  const words = new Uint32Array(Math.ceil(lengthBytes / 4));
  const next = seededWords(seed);
  for (let i = 0; i < words.length; i++) words[i] = next();
  return new Uint8Array(words.buffer, 0, lengthBytes);
}

/** A repeatable `RandomBytes`: every call continues the sequence. */
export function seededRandom(seed: number): RandomBytes {
  const next = seededWords(seed);
  return (lengthBytes) => {
    const bytes = new Uint8Array(lengthBytes);
    for (let i = 0; i < lengthBytes; i++) bytes[i] = next() & 0xff;
    return bytes;
  };
}

/** 32-bit words of a xorshift generator whose state is spread from the seed by a multiplicative hash. */
function seededWords(seed: number): () => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x6c078965) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
