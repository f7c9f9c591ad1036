import { KopiaError } from "../base/errors.ts";
import type { Bytes } from "../base/bytes.ts";
import { createBlake2Digest } from "./blake2.ts";
import { createBlake3Digest } from "./blake3.ts";
import type { Digest, DigestProvider } from "./digest.ts";
import type { HashFunction } from "./hash-function.ts";
import { createHmacDigest } from "./hmac.ts";

/** Hash of new repositories. */
export const DEFAULT_HASH = "BLAKE2B-256-128";

interface HashAlgorithm {
  /** Output length in bytes: the first so many bytes of the full result. */
  readonly sizeBytes: number;
  create(secret: Uint8Array, provider: DigestProvider): Promise<Digest>;
}

// Spec 1 §4.2. BLAKE2S-128 has a digest parameter of its own; the other short ones are truncations.
const HASHES: ReadonlyMap<string, HashAlgorithm> = new Map([
  [DEFAULT_HASH, algorithm(16, (...key) => createBlake2Digest("blake2b", 32, ...key))],
  ["BLAKE2B-256", algorithm(32, (...key) => createBlake2Digest("blake2b", 32, ...key))],
  ["BLAKE2S-128", algorithm(16, (...key) => createBlake2Digest("blake2s", 16, ...key))],
  ["BLAKE2S-256", algorithm(32, (...key) => createBlake2Digest("blake2s", 32, ...key))],
  ["BLAKE3-256", algorithm(32, createBlake3Digest)],
  ["BLAKE3-256-128", algorithm(16, createBlake3Digest)],
  ["HMAC-SHA224", algorithm(28, (...key) => createHmacDigest("sha224", ...key))],
  ["HMAC-SHA256", algorithm(32, (...key) => createHmacDigest("sha256", ...key))],
  ["HMAC-SHA256-128", algorithm(16, (...key) => createHmacDigest("sha256", ...key))],
  ["HMAC-SHA3-224", algorithm(28, (...key) => createHmacDigest("sha3-224", ...key))],
  ["HMAC-SHA3-256", algorithm(32, (...key) => createHmacDigest("sha3-256", ...key))],
]);

/** Names of all hash functions that repositories can have, default first (spec 1 §4.2). */
export const HASH_NAMES: readonly string[] = [...HASHES.keys()];

/**
 * The content hash of a repository. Asynchronous only because WebAssembly is compiled once.
 *
 * @param name as recorded in the format blob, such as `BLAKE2B-256-128`.
 * @param secret the format's `secret` (32 bytes in repositories made by Kopia; may be empty).
 * @param provider `fast` (the default) falls back to `portable` where the platform lacks it.
 * @throws KopiaError `ALGORITHM_UNKNOWN`, or `FORMAT_INVALID_PARAMETER` for a secret this hash cannot have.
 */
export async function createHashFunction(
  name: string,
  secret: Uint8Array,
  provider: DigestProvider = "fast",
): Promise<HashFunction> {
  const algorithm = HASHES.get(name);
  if (algorithm === undefined) {
    throw new KopiaError(
      "ALGORITHM_UNKNOWN",
      `unknown hash algorithm ${JSON.stringify(name)}; known are ${HASH_NAMES.join(", ")}`,
      { details: { algorithm: name } },
    );
  }
  const { sizeBytes } = algorithm;
  const digest = await algorithm.create(secret, provider);
  const { computeMany } = digest;
  const shorten = (full: Bytes): Bytes =>
    full.length === sizeBytes ? full : full.slice(0, sizeBytes);
  return {
    name,
    sizeBytes,
    provider: digest.provider,
    hash: (data) => shorten(digest.compute(data)),
    ...(computeMany && { hashMany: (messages) => computeMany(messages).map(shorten) }),
  };
}

function algorithm(sizeBytes: number, create: HashAlgorithm["create"]): HashAlgorithm {
  return { sizeBytes, create };
}
