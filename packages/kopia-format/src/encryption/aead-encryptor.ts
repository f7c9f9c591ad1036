import { bytesEqual, type Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import type { RandomBytes } from "../base/random.ts";
import { NONCE_LENGTH_BYTES, TAG_LENGTH_BYTES, type Aead, type AeadInput } from "./aead.ts";
import { contentKeyDerivation, type ContentKeyDerivation } from "./content-key.ts";
import type { Encryptor } from "./encryptor.ts";

// One call of the random source costs as much as the cipher does for a small content.
const NONCES_PER_DRAW = 256;

/** What an `AeadEncryptor` is made of. */
export interface AeadEncryptorOptions {
  readonly name: string;
  readonly aead: Aead;
  readonly masterKey: Uint8Array;
  readonly random: RandomBytes;
}

/** The scheme both ciphers share: a key per content, a random nonce per encryption (spec 1 §4.3). */
export class AeadEncryptor implements Encryptor {
  readonly name: string;
  readonly provider: "portable" | "fast";
  readonly overheadBytes: number = NONCE_LENGTH_BYTES + TAG_LENGTH_BYTES;
  readonly inPlaceOffsetBytes: number = NONCE_LENGTH_BYTES;
  readonly #aead: Aead;
  readonly #contentKey: ContentKeyDerivation;
  readonly #random: RandomBytes;
  #nonces: Bytes = new Uint8Array(0);
  #nonceOffset = 0;

  constructor(options: AeadEncryptorOptions) {
    this.name = options.name;
    this.provider = options.aead.provider;
    this.#aead = options.aead;
    this.#contentKey = contentKeyDerivation(options.masterKey, options.aead.provider);
    this.#random = options.random;
  }

  encrypt(plaintext: Uint8Array, iv: Uint8Array): Bytes {
    const output = new Uint8Array(plaintext.length + this.overheadBytes);
    this.encryptInto(plaintext, iv, output);
    return output;
  }

  encryptInto(plaintext: Uint8Array, iv: Uint8Array, output: Uint8Array): number {
    const lengthBytes = plaintext.length + this.overheadBytes;
    if (output.length < lengthBytes) {
      throw new RangeError(`output has ${output.length} bytes, encryption needs ${lengthBytes}`);
    }
    const nonce = this.#nextNonce();
    output.set(nonce);
    this.#aead.seal(
      { key: this.#contentKey(iv), nonce, additionalData: iv },
      plaintext,
      output.subarray(NONCE_LENGTH_BYTES, lengthBytes),
    );
    return lengthBytes;
  }

  decrypt(ciphertext: Uint8Array, iv: Uint8Array): Bytes {
    this.#assertLength(ciphertext);
    const sealed = ciphertext.subarray(NONCE_LENGTH_BYTES);
    const plaintext = this.#aead.open(this.#inputFor(ciphertext, iv), sealed);
    if (plaintext === undefined) throw this.#notAuthentic(ciphertext);
    return plaintext;
  }

  decryptInPlace(ciphertext: Bytes, iv: Uint8Array): Bytes {
    if (this.#aead.openInPlace === undefined) return this.decrypt(ciphertext, iv);
    this.#assertLength(ciphertext);
    const sealed = ciphertext.subarray(NONCE_LENGTH_BYTES);
    const plaintext = this.#aead.openInPlace(this.#inputFor(ciphertext, iv), sealed);
    if (plaintext === undefined) throw this.#notAuthentic(ciphertext);
    return sealed.subarray(0, plaintext.length);
  }

  decryptsTo(ciphertext: Uint8Array, iv: Uint8Array, plaintext: Uint8Array): boolean {
    if (ciphertext.length !== plaintext.length + this.overheadBytes) return false;
    const input = this.#inputFor(ciphertext, iv);
    const sealed = ciphertext.subarray(NONCE_LENGTH_BYTES);
    if (this.#aead.opensTo !== undefined) return this.#aead.opensTo(input, sealed, plaintext);
    const opened = this.#aead.open(input, sealed);
    return opened !== undefined && bytesEqual(opened, plaintext);
  }

  #inputFor(ciphertext: Uint8Array, iv: Uint8Array): AeadInput {
    const nonce = ciphertext.subarray(0, NONCE_LENGTH_BYTES);
    return { key: this.#contentKey(iv), nonce, additionalData: iv };
  }

  #assertLength({ length: lengthBytes }: Uint8Array): void {
    if (lengthBytes >= this.overheadBytes) return;
    throw new KopiaError(
      "CONTENT_CORRUPT",
      `encrypted data has ${lengthBytes} bytes, fewer than the ${this.overheadBytes} bytes that ${this.name} adds`,
      { details: { lengthBytes, cipher: this.name } },
    );
  }

  #notAuthentic({ length: lengthBytes }: Uint8Array): KopiaError {
    return new KopiaError(
      "CONTENT_CORRUPT",
      `authentication of ${lengthBytes} encrypted bytes failed (${this.name})`,
      { details: { lengthBytes, cipher: this.name } },
    );
  }

  #nextNonce(): Bytes {
    if (this.#nonceOffset >= this.#nonces.length) {
      this.#nonces = this.#random(NONCES_PER_DRAW * NONCE_LENGTH_BYTES);
      this.#nonceOffset = 0;
    }
    const start = this.#nonceOffset;
    this.#nonceOffset += NONCE_LENGTH_BYTES;
    return this.#nonces.subarray(start, this.#nonceOffset);
  }
}
