import type { Bytes } from "../../base/bytes.ts";
import type { ErrorCode } from "../../base/error-codes.ts";
import { KopiaError } from "../../base/errors.ts";
import type { BlobId } from "../../blob/storage.ts";
import type { Encryptor } from "../../encryption/encryptor.ts";
import type { HashFunction } from "../../hashing/hash-function.ts";

/** What whole-blob encryption needs: the repository's hash and content encryption. */
export interface BlobCrypto {
  readonly hash: HashFunction;
  readonly encryptor: Encryptor;
}

/** Name parts around the hash of an encrypted blob. */
export interface BlobNameParts {
  readonly prefix: string;
  /** Put after a `-`; left out when empty. */
  readonly suffix?: string;
}

/** An encrypted blob and the ID that decrypts it. */
export interface EncryptedBlob {
  readonly id: BlobId;
  readonly data: Bytes;
}

/**
 * Whole-blob encryption (spec 1 §4.5): the blob's name carries the payload's hash, which gives the IV.
 * Used by index, session, log, `m` and `l` blobs.
 */
export function encryptBlob(
  _crypto: BlobCrypto,
  _name: BlobNameParts,
  _payload: Uint8Array,
): EncryptedBlob {
  throw new KopiaError("NOT_IMPLEMENTED", "encryptBlob");
}

/**
 * Reverse of `encryptBlob`.
 * @param corruptCode code of the error for a blob that does not decrypt; `INDEX_CORRUPT` by default.
 * @throws KopiaError `corruptCode`, naming the blob; also when its ID has no IV in it.
 */
export function decryptBlob(
  _crypto: BlobCrypto,
  _blob: { readonly id: BlobId; readonly data: Uint8Array },
  _corruptCode: ErrorCode = "INDEX_CORRUPT",
): Bytes {
  throw new KopiaError("NOT_IMPLEMENTED", "decryptBlob");
}
