import type { Bytes } from "../base/bytes.ts";
import type { RandomBytes } from "../base/random.ts";
import { EccCodec } from "../ecc/ecc-codec.ts";
import type { Encryptor } from "../encryption/encryptor.ts";
import { createEncryptor } from "../encryption/registry.ts";
import type { ContentFormat } from "../format/repository-format.ts";

/**
 * The content encryption of a repository, with error correction around it where the format asks for it (spec 1 §4.4).
 * @throws KopiaError `ALGORITHM_UNKNOWN`, `FORMAT_INVALID_PARAMETER`.
 */
export function createContentEncryptor(format: ContentFormat, random: RandomBytes): Encryptor {
  const encryptor = createEncryptor(format.encryption, format.masterKey, { random });
  if (format.ecc === "" || format.eccOverheadPercent === 0) return encryptor;
  return new CorrectingEncryptor(encryptor, new EccCodec(format.eccOverheadPercent));
}

/** `ECC(AEAD(…))`: what it adds depends on the length, so that `overheadBytes` is only the part of the cipher. */
class CorrectingEncryptor implements Encryptor {
  readonly name: string;
  readonly provider: Encryptor["provider"];
  readonly overheadBytes: number;
  readonly #inner: Encryptor;
  readonly #ecc: EccCodec;

  constructor(inner: Encryptor, ecc: EccCodec) {
    this.name = inner.name;
    this.provider = inner.provider;
    this.overheadBytes = inner.overheadBytes;
    this.#inner = inner;
    this.#ecc = ecc;
  }

  encrypt(plaintext: Uint8Array, iv: Uint8Array): Bytes {
    return this.#ecc.encode(this.#inner.encrypt(plaintext, iv));
  }

  encryptInto(plaintext: Uint8Array, iv: Uint8Array, output: Uint8Array): number {
    const encrypted = this.encrypt(plaintext, iv);
    if (output.length < encrypted.length) {
      throw new RangeError(
        `output has ${output.length} bytes, encryption needs ${encrypted.length}`,
      );
    }
    output.set(encrypted);
    return encrypted.length;
  }

  decrypt(ciphertext: Uint8Array, iv: Uint8Array): Bytes {
    return this.#inner.decrypt(this.#ecc.decode(ciphertext).message, iv);
  }
}
