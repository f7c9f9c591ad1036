import type { Bytes } from "../base/bytes.ts";

/** Content encryption of one repository (spec 1 §4.3). Synchronous; one instance per thread. */
export interface Encryptor {
  readonly name: string;
  readonly provider: "portable" | "fast";
  /** Bytes that encryption adds (28 for both ciphers). */
  readonly overheadBytes: number;
  /** Where a plaintext may lie in the output of `encryptInto`; absent: nowhere. */
  readonly inPlaceOffsetBytes?: number;
  /** `nonce ‖ ciphertext ‖ tag`, under the key derived from `iv`, with `iv` as additional data. */
  encrypt(plaintext: Uint8Array, iv: Uint8Array): Bytes;
  /**
   * As `encrypt`, written to the start of `output` without a copy of its own: for the pack writer. The output must not
   * overlap the plaintext, unless this lies `inPlaceOffsetBytes` behind the output's start.
   *
   * @returns the number of bytes written, `plaintext.length + overheadBytes`.
   * @throws RangeError when `output` is too short.
   */
  encryptInto(plaintext: Uint8Array, iv: Uint8Array, output: Uint8Array): number;
  /** @throws KopiaError `CONTENT_CORRUPT` when authentication fails or the input is too short. */
  decrypt(ciphertext: Uint8Array, iv: Uint8Array): Bytes;
  /**
   * As `decrypt`, with the result in the memory of the input where the cipher can do that: for large blobs, which then
   * are in memory once. The input is lost, also when this throws.
   */
  decryptInPlace?(ciphertext: Bytes, iv: Uint8Array): Bytes;
  /**
   * Whether `decrypt` would give this plaintext, without holding it a second time where the cipher can do that.
   * @throws KopiaError `CONTENT_CORRUPT` where error correction finds more damage than it can repair.
   */
  decryptsTo(ciphertext: Uint8Array, iv: Uint8Array, plaintext: Uint8Array): boolean;
}
