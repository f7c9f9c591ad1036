import { blake3 } from "@noble/hashes/blake3.js";
import { createBLAKE3 } from "hash-wasm";
import { copyBytes, utf8Encode, type Bytes } from "../base/bytes.ts";
import { wasmDigest } from "./blake2.ts";
import type { Digest, DigestProvider } from "./digest.ts";

const KEY_LENGTH_BYTES = 32;
const STRETCH_CONTEXT = "kopia blake3 derived key v1";

/** Keyed BLAKE3 with a 32-byte result (spec 1 §4.2). */
export async function createBlake3Digest(
  secret: Uint8Array,
  provider: DigestProvider,
): Promise<Digest> {
  const key = blake3Key(secret);
  if (provider === "fast") return wasmDigest(await createBLAKE3(256, key));
  return {
    provider: "portable",
    compute: (data) => blake3(data, { dkLen: 32, key }),
  };
}

/** Shorter secrets are stretched with BLAKE3's own key derivation, longer ones are cut. */
function blake3Key(secret: Uint8Array): Bytes {
  if (secret.length >= KEY_LENGTH_BYTES) return copyBytes(secret.subarray(0, KEY_LENGTH_BYTES));
  const context = utf8Encode(STRETCH_CONTEXT);
  return copyBytes(blake3(secret, { context, dkLen: KEY_LENGTH_BYTES }));
}
