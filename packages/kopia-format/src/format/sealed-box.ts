import { concatBytes, type Bytes } from "../base/bytes.ts";
import type { RandomBytes } from "../base/random.ts";
import { NONCE_LENGTH_BYTES, TAG_LENGTH_BYTES, type Aead } from "../encryption/aead.ts";
import { portableAesGcm } from "../encryption/noble-aead.ts";
import { nodeAead } from "../encryption/node-aead.ts";
import { FORMAT_KEY_BYTES, deriveWithUniqueId } from "./key-derivation.ts";

/** Shortest sealed box: nonce and tag around nothing. */
export const SEALED_OVERHEAD_BYTES = NONCE_LENGTH_BYTES + TAG_LENGTH_BYTES;

/** Key and additional data of a sealed box. */
export interface BoxKey {
  readonly key: Uint8Array;
  readonly additionalData: Uint8Array;
}

/** Key of the encrypted part of `kopia.repository` and of `kopia.blobcfg` (spec 1 §2.3). */
export function formatBoxKey(formatKey: Uint8Array, uniqueId: Uint8Array): BoxKey {
  const lengthBytes = FORMAT_KEY_BYTES;
  return {
    key: deriveWithUniqueId(formatKey, uniqueId, { purpose: "AES", lengthBytes }),
    // The derived bytes are the additional data, not the unique ID itself (spec 1 §13.5).
    additionalData: deriveWithUniqueId(formatKey, uniqueId, { purpose: "CHECKSUM", lengthBytes }),
  };
}

/** `nonce ‖ AES-256-GCM ciphertext ‖ tag` with a fresh nonce. */
export function sealBox(boxKey: BoxKey, plaintext: Uint8Array, random: RandomBytes): Bytes {
  const nonce = random(NONCE_LENGTH_BYTES);
  const sealed = new Uint8Array(plaintext.length + TAG_LENGTH_BYTES);
  aesGcm().seal({ ...boxKey, nonce }, plaintext, sealed);
  return concatBytes(nonce, sealed);
}

/** Plaintext of a sealed box; `undefined` when it is too short or not sealed with this key. */
export function openBox(boxKey: BoxKey, box: Uint8Array): Bytes | undefined {
  if (box.length < SEALED_OVERHEAD_BYTES) return undefined;
  const nonce = box.subarray(0, NONCE_LENGTH_BYTES);
  return aesGcm().open({ ...boxKey, nonce }, box.subarray(NONCE_LENGTH_BYTES));
}

function aesGcm(): Aead {
  return nodeAead("aes-256-gcm") ?? portableAesGcm;
}
