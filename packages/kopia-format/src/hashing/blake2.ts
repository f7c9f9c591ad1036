import { blake2b, blake2s } from "@noble/hashes/blake2.js";
import { createBLAKE2b, createBLAKE2s, type IHasher } from "hash-wasm";
import { copyBytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import { LANES_RESULT_BYTES, loadBlake2bLanes } from "../wasm/blake2b-kernel.ts";
import type { Digest, DigestProvider } from "./digest.ts";

/** The two BLAKE2 variants. */
export type Blake2Name = "blake2b" | "blake2s";

const MAX_KEY_BYTES = { blake2b: 64, blake2s: 32 } as const;

/**
 * Keyed BLAKE2 (spec 1 §4.2); an empty secret makes the unkeyed hash, except that a 16-byte BLAKE2s
 * must have one.
 *
 * @param sizeBytes the digest parameter of the algorithm, not a truncation.
 * @throws KopiaError `FORMAT_INVALID_PARAMETER` for a secret of the wrong length.
 */
export async function createBlake2Digest(
  name: Blake2Name,
  sizeBytes: number,
  secret: Uint8Array,
  provider: DigestProvider,
): Promise<Digest> {
  const unkeyedRefused = name === "blake2s" && sizeBytes === 16 && secret.length === 0;
  if (secret.length > MAX_KEY_BYTES[name] || unkeyedRefused) {
    throw new KopiaError(
      "FORMAT_INVALID_PARAMETER",
      `${name} with ${sizeBytes} bytes cannot have a secret of ${secret.length} bytes`,
      { details: { secretLengthBytes: secret.length } },
    );
  }
  if (provider === "portable") return portableBlake2(name, sizeBytes, copyBytes(secret));
  const create = name === "blake2b" ? createBLAKE2b : createBLAKE2s;
  const digest = wasmDigest(await create(sizeBytes * 8, secret.length === 0 ? undefined : secret));
  if (name !== "blake2b" || sizeBytes !== LANES_RESULT_BYTES) return digest;
  const computeMany = loadBlake2bLanes(secret, (data) => digest.compute(data));
  return computeMany === undefined ? digest : { ...digest, computeMany };
}

/** A hash-wasm instance, reused for every digest. */
export function wasmDigest(hasher: IHasher): Digest {
  return {
    provider: "fast",
    // digest("binary") copies out of WebAssembly memory.
    compute: (data) => hasher.init().update(data).digest("binary") as Uint8Array<ArrayBuffer>,
  };
}

function portableBlake2(name: Blake2Name, sizeBytes: number, key: Uint8Array): Digest {
  const options = key.length === 0 ? { dkLen: sizeBytes } : { dkLen: sizeBytes, key };
  const hash = name === "blake2b" ? blake2b : blake2s;
  return {
    provider: "portable",
    compute: (data) => hash(data, options),
  };
}
