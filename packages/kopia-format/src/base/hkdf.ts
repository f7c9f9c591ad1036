import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Bytes } from "./bytes.ts";
import { nodeBuiltin } from "./node-builtin.ts";

/** Input of `hkdfSha256`. */
export interface HkdfInput {
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
  readonly info: Uint8Array;
  readonly lengthBytes: number;
}

/** HKDF with SHA-256, extract then expand (RFC 5869; spec 1 §0, trap 1: mind what is salt and what is info). */
export function hkdfSha256(input: HkdfInput): Bytes {
  const { key, salt, info, lengthBytes } = input;
  const crypto = nodeBuiltin("node:crypto");
  // Quicker for the few keys of a short command: the portable code has not been compiled by then.
  if (crypto !== undefined) {
    return new Uint8Array(crypto.hkdfSync("sha256", key, salt, info, lengthBytes));
  }
  return new Uint8Array(hkdf(sha256, key, salt, info, lengthBytes));
}
