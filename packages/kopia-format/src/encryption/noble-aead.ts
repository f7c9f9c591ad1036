import { gcm } from "@noble/ciphers/aes.js";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { copyBytes } from "../base/bytes.ts";
import { TAG_LENGTH_BYTES, type Aead, type AeadInput } from "./aead.ts";

type NobleCipher = typeof gcm | typeof chacha20poly1305;

/** The portable provider of AES-256-GCM. */
export const portableAesGcm: Aead = nobleAead(gcm);
/** The portable provider of ChaCha20-Poly1305. */
export const portableChaCha20Poly1305: Aead = nobleAead(chacha20poly1305);

function nobleAead(cipher: NobleCipher): Aead {
  const start = (input: AeadInput): ReturnType<NobleCipher> =>
    cipher(input.key, input.nonce, input.additionalData);
  return {
    provider: "portable",
    seal(input, plaintext, output) {
      output.set(start(input).encrypt(plaintext));
    },
    open(input, sealed) {
      if (sealed.length < TAG_LENGTH_BYTES) return undefined;
      try {
        return copyBytes(start(input).decrypt(sealed));
      } catch {
        return undefined;
      }
    },
  };
}
