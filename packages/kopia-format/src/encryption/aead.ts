import type { Bytes } from "../base/bytes.ts";

/** Nonce length of both ciphers in bytes (spec 1 §14). */
export const NONCE_LENGTH_BYTES = 12;
/** Tag length of both ciphers in bytes. */
export const TAG_LENGTH_BYTES = 16;

/** The key, nonce and additional data of one sealed message. */
export interface AeadInput {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  readonly additionalData: Uint8Array;
}

/** An authenticated cipher, without any rule about where its keys and nonces come from. */
export interface Aead {
  readonly provider: "portable" | "fast";
  /** Writes `ciphertext ‖ tag` to the start of `output` (at least `plaintext.length + 16` bytes), where the plaintext may begin, too. */
  seal(input: AeadInput, plaintext: Uint8Array, output: Uint8Array): void;
  /** The plaintext of `ciphertext ‖ tag`, or `undefined` when authentication fails. */
  open(input: AeadInput, sealed: Uint8Array): Bytes | undefined;
  /**
   * As `open`, with the plaintext in the memory of the ciphertext, whose bytes are lost also when authentication
   * fails. Only where the cipher can.
   */
  openInPlace?(input: AeadInput, sealed: Uint8Array): Uint8Array | undefined;
  /** Whether `open` would give this plaintext, without holding it a second time. Only where the cipher can. */
  opensTo?(input: AeadInput, sealed: Uint8Array, plaintext: Uint8Array): boolean;
}
