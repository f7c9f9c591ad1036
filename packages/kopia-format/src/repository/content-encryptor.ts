import { toHex, type Bytes } from "../base/bytes.ts";
import type { RandomBytes } from "../base/random.ts";
import { EccCodec } from "../ecc/ecc-codec.ts";
import type { Encryptor } from "../encryption/encryptor.ts";
import { createEncryptor } from "../encryption/registry.ts";
import type { ContentFormat } from "../format/repository-format.ts";

/** Damaged bytes that error correction rebuilt while they were read; the storage still holds the damaged ones. */
export interface EccRepair {
  /** 32 hex digits: the end of the content ID, or of the hash in the name of an index blob. */
  readonly hash: string;
  /** Shards that had to be rebuilt, 1 or more. */
  readonly shardCount: number;
}

/**
 * The content encryption of a repository, with error correction around it where the format asks for it (spec 1 §4.4).
 * @param onRepair told each time that reading had to repair something and what was repaired proved authentic.
 * @throws KopiaError `ALGORITHM_UNKNOWN`, `FORMAT_INVALID_PARAMETER`.
 */
export function createContentEncryptor(
  format: ContentFormat,
  random: RandomBytes,
  onRepair?: (repair: EccRepair) => void,
): Encryptor {
  const encryptor = createEncryptor(format.encryption, format.masterKey, { random });
  if (format.ecc === "" || format.eccOverheadPercent === 0) return encryptor;
  return new CorrectingEncryptor(encryptor, new EccCodec(format.eccOverheadPercent), onRepair);
}

/** `ECC(AEAD(…))`: what it adds depends on the length, so that `overheadBytes` is only the part of the cipher. */
class CorrectingEncryptor implements Encryptor {
  readonly name: string;
  readonly provider: Encryptor["provider"];
  readonly overheadBytes: number;
  readonly #inner: Encryptor;
  readonly #ecc: EccCodec;
  readonly #onRepair: ((repair: EccRepair) => void) | undefined;

  constructor(inner: Encryptor, ecc: EccCodec, onRepair?: (repair: EccRepair) => void) {
    this.name = inner.name;
    this.provider = inner.provider;
    this.overheadBytes = inner.overheadBytes;
    this.#inner = inner;
    this.#ecc = ecc;
    this.#onRepair = onRepair;
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
    const { message, repairedShardCount } = this.#ecc.decode(ciphertext);
    const plaintext = this.#inner.decrypt(message, iv);
    if (repairedShardCount > 0) {
      this.#onRepair?.({ hash: toHex(iv), shardCount: repairedShardCount });
    }
    return plaintext;
  }

  decryptsTo(ciphertext: Uint8Array, iv: Uint8Array, plaintext: Uint8Array): boolean {
    return this.#inner.decryptsTo(this.#ecc.decode(ciphertext).message, iv, plaintext);
  }
}
