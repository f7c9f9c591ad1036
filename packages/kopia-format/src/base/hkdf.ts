import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Bytes } from "./bytes.ts";

/** Input of `hkdfSha256`. */
export interface HkdfInput {
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
  readonly info: Uint8Array;
  readonly lengthBytes: number;
}

/** HKDF with SHA-256, extract then expand (RFC 5869; spec 1 §0, trap 1: mind what is salt and what is info). */
export function hkdfSha256(input: HkdfInput): Bytes {
  return new Uint8Array(hkdf(sha256, input.key, input.salt, input.info, input.lengthBytes));
}
