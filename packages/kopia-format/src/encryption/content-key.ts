import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8Encode } from "../base/bytes.ts";
import { hkdfSha256 } from "../base/hkdf.ts";
import { loadShortHmac } from "../wasm/content-key-kernel.ts";

const KEY_LENGTH_BYTES = 32;

/** Derives the 32-byte key of one content from its IV; the key is valid until the next call. */
export type ContentKeyDerivation = (iv: Uint8Array) => Uint8Array;

/**
 * `HMAC-SHA256(K, iv)` with `K = HKDF(masterKey, salt = "encryption", info = "")` (spec 1 §4.3: the
 * purpose goes into the salt). The state after the key block is computed once: a content then costs two
 * blocks of SHA-256, in WebAssembly where there is any, which is quicker than `node:crypto` on inputs of
 * this size.
 */
export function contentKeyDerivation(
  masterKey: Uint8Array,
  provider: "portable" | "fast" = "fast",
): ContentKeyDerivation {
  const purposeKey = hkdfSha256({
    key: masterKey,
    salt: utf8Encode("encryption"),
    info: new Uint8Array(0),
    lengthBytes: KEY_LENGTH_BYTES,
  });
  const compiled = provider === "fast" ? loadShortHmac(purposeKey) : undefined;
  const derivation = compiled ?? portableDerivation(purposeKey);
  purposeKey.fill(0);
  return derivation;
}

function portableDerivation(purposeKey: Uint8Array): ContentKeyDerivation {
  const keyed = hmac.create(sha256, purposeKey);
  return (iv) => keyed.clone().update(iv).digest();
}
