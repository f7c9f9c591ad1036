import type { Bytes } from "./bytes.ts";

/** Source of random bytes: nonces, pack IDs, session IDs. Passed in so that tests can repeat a run. */
export type RandomBytes = (lengthBytes: number) => Bytes;

/** Cryptographic randomness of the platform (Web Crypto, present in Node and browsers). */
export const systemRandom: RandomBytes = (lengthBytes) => {
  const bytes = new Uint8Array(lengthBytes);
  // Web Crypto refuses more than 65,536 bytes at once.
  for (let offset = 0; offset < lengthBytes; offset += 65_536) {
    crypto.getRandomValues(bytes.subarray(offset, Math.min(offset + 65_536, lengthBytes)));
  }
  return bytes;
};
