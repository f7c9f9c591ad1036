import type * as NodeCrypto from "node:crypto";
import type { CipherGCM, DecipherGCM } from "node:crypto";
import { bytesEqual } from "../base/bytes.ts";
import { nodeBuiltin } from "../base/node-builtin.ts";
import { releaseBytes } from "../base/release-bytes.ts";
import { TAG_LENGTH_BYTES, type Aead, type AeadInput } from "./aead.ts";

/** Names as OpenSSL writes them. */
export type NodeAeadName = "aes-256-gcm" | "chacha20-poly1305";

/** Each call gives memory of its own: in pieces it stays small, and in the processor's cache. */
const PIECE_BYTES = 2 ** 18;
const TAG_OPTIONS = { authTagLength: TAG_LENGTH_BYTES };

/** The fast provider: OpenSSL through `node:crypto`; `undefined` where there is none. */
export function nodeAead(name: NodeAeadName): Aead | undefined {
  const crypto = nodeBuiltin("node:crypto");
  if (crypto?.getCiphers === undefined || !crypto.getCiphers().includes(name)) return undefined;
  // Both ciphers share the interface that the types give to GCM only.
  const algorithm = name as "aes-256-gcm";
  return {
    provider: "fast",
    seal(input, plaintext, output) {
      const cipher: CipherGCM = crypto.createCipheriv(
        algorithm,
        input.key,
        input.nonce,
        TAG_OPTIONS,
      );
      cipher.setAAD(input.additionalData, { plaintextLength: plaintext.length });
      updateInPieces(cipher, plaintext, (sealed, start) => output.set(sealed, start));
      // Both are stream ciphers: final() has no bytes to give.
      cipher.final();
      output.set(cipher.getAuthTag(), plaintext.length);
    },
    open(input, sealed) {
      const decipher = startDecipher(crypto, { name: algorithm, input, sealed });
      const length = sealed.length - TAG_LENGTH_BYTES;
      const plaintext = decipher.update(sealed.subarray(0, length));
      if (!isAuthentic(decipher)) return undefined;
      return new Uint8Array(plaintext.buffer, plaintext.byteOffset, plaintext.length);
    },
    openInPlace(input, sealed) {
      const decipher = startDecipher(crypto, { name: algorithm, input, sealed });
      const plaintext = sealed.subarray(0, sealed.length - TAG_LENGTH_BYTES);
      updateInPieces(decipher, plaintext, (opened, start) => plaintext.set(opened, start));
      return isAuthentic(decipher) ? plaintext : undefined;
    },
    opensTo(input, sealed, plaintext) {
      if (sealed.length !== plaintext.length + TAG_LENGTH_BYTES) return false;
      const decipher = startDecipher(crypto, { name: algorithm, input, sealed });
      let isSame = true;
      const ciphertext = sealed.subarray(0, plaintext.length);
      updateInPieces(decipher, ciphertext, (opened, start) => {
        isSame &&= bytesEqual(opened, plaintext.subarray(start, start + opened.length));
      });
      return isAuthentic(decipher) && isSame;
    },
  };
}

/** Passes bytes through a cipher; what comes out has the same length and place, and its memory is given back after each call. */
function updateInPieces(
  cipher: CipherGCM | DecipherGCM,
  input: Uint8Array,
  onPiece: (output: Uint8Array, start: number) => void,
): void {
  for (let start = 0; start < input.length; start += PIECE_BYTES) {
    const output = cipher.update(input.subarray(start, start + PIECE_BYTES));
    onPiece(output, start);
    releaseBytes(output);
  }
}

function startDecipher(
  crypto: typeof NodeCrypto,
  message: {
    readonly name: "aes-256-gcm";
    readonly input: AeadInput;
    readonly sealed: Uint8Array;
  },
): DecipherGCM {
  const { name, input, sealed } = message;
  const decipher = crypto.createDecipheriv(name, input.key, input.nonce, TAG_OPTIONS);
  const length = sealed.length - TAG_LENGTH_BYTES;
  decipher.setAAD(input.additionalData, { plaintextLength: length });
  decipher.setAuthTag(sealed.subarray(length));
  return decipher;
}

function isAuthentic(decipher: DecipherGCM): boolean {
  try {
    decipher.final();
    return true;
  } catch {
    return false;
  }
}
