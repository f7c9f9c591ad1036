import { hmac } from "@noble/hashes/hmac.js";
import { sha224, sha256 } from "@noble/hashes/sha2.js";
import { sha3_224, sha3_256 } from "@noble/hashes/sha3.js";
import { copyBytes } from "../base/bytes.ts";
import { nodeBuiltin } from "../base/node-builtin.ts";
import type { Digest, DigestProvider } from "./digest.ts";

/** Hash functions under HMAC, named as OpenSSL names them. */
export type HmacHashName = "sha224" | "sha256" | "sha3-224" | "sha3-256";

const PORTABLE = { sha224, sha256, "sha3-224": sha3_224, "sha3-256": sha3_256 } as const;

/** HMAC with a secret of any length (spec 1 §4.2; block sizes 144 and 136 with SHA-3). */
export async function createHmacDigest(
  name: HmacHashName,
  secret: Uint8Array,
  provider: DigestProvider,
): Promise<Digest> {
  const key = copyBytes(secret);
  const crypto = provider === "fast" ? nodeBuiltin("node:crypto") : undefined;
  if (crypto === undefined) {
    const hash = PORTABLE[name];
    return {
      provider: "portable",
      compute: (data) => hmac(hash, key, data),
    };
  }
  return {
    provider: "fast",
    // A copy: small results of node:crypto may be parts of a pool.
    compute: (data) => copyBytes(crypto.createHmac(name, key).update(data).digest()),
  };
}
