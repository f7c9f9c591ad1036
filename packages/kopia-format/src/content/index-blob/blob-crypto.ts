import { fromHex, toHex, type Bytes } from "../../base/bytes.ts";
import type { ErrorCode } from "../../base/error-codes.ts";
import { releaseBytes } from "../../base/release-bytes.ts";
import { KopiaError, isKopiaError } from "../../base/errors.ts";
import type { BlobId, BlobStorage } from "../../blob/storage.ts";
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

/** The IV in a blob ID: so many hex digits before the first dash. */
const IV_HEX_DIGITS = 32;

/**
 * Whole-blob encryption (spec 1 §4.5): the blob's name carries the payload's hash, which gives the IV.
 * Used by index, session, log, `m` and `l` blobs.
 */
export function encryptBlob(
  crypto: BlobCrypto,
  name: BlobNameParts,
  payload: Uint8Array,
): EncryptedBlob {
  const hash = toHex(crypto.hash.hash(payload));
  const suffix = (name.suffix ?? "") === "" ? "" : `-${name.suffix}`;
  const id = `${name.prefix}${hash}${suffix}`;
  const iv = blobIv(id);
  if (iv === undefined) {
    // A prefix with a dash, or a hash below 16 bytes: nothing could decrypt the blob again.
    throw new KopiaError("FORMAT_INVALID_PARAMETER", `blob ID ${id} cannot give an IV`, {
      details: { blobId: id },
    });
  }
  return { id, data: crypto.encryptor.encrypt(payload, iv) };
}

/**
 * Reverse of `encryptBlob`.
 * @param corruptCode code of the error for a blob that does not decrypt; `INDEX_CORRUPT` by default.
 * @throws KopiaError `corruptCode`, naming the blob; also when its ID has no IV in it.
 */
export function decryptBlob(
  crypto: BlobCrypto,
  blob: { readonly id: BlobId; readonly data: Uint8Array },
  corruptCode: ErrorCode = "INDEX_CORRUPT",
): Bytes {
  return decryptWith(blob, corruptCode, (iv) => crypto.encryptor.decrypt(blob.data, iv));
}

function decryptWith(
  { id, data }: { readonly id: BlobId; readonly data: Uint8Array },
  corruptCode: ErrorCode,
  decrypt: (iv: Uint8Array) => Bytes,
): Bytes {
  const iv = requireBlobIv(id, corruptCode);
  try {
    return decrypt(iv);
  } catch (cause) {
    if (!isKopiaError(cause, "CONTENT_CORRUPT")) throw cause;
    throw new KopiaError(
      corruptCode,
      `blob ${id} cannot be decrypted: its ${data.length} bytes were changed or cut off`,
      { details: { blobId: id, lengthBytes: data.length }, cause },
    );
  }
}

/**
 * Reads and decrypts a blob. A name that cannot be decrypted is refused before anything is read: such
 * a file may be listed and yet not be where its name says.
 * @throws KopiaError as `decryptBlob`, and storage errors.
 */
export async function readEncryptedBlob(
  storage: BlobStorage,
  crypto: BlobCrypto,
  id: BlobId,
  corruptCode: ErrorCode = "INDEX_CORRUPT",
): Promise<Bytes> {
  requireBlobIv(id, corruptCode);
  const { encryptor } = crypto;
  const data = await storage.get(id);
  // Index blobs may be tens of MiB: an encrypted one must not stay beside the decrypted one.
  const decrypted = decryptWith({ id, data }, corruptCode, (iv) =>
    encryptor.decryptInPlace === undefined
      ? encryptor.decrypt(data, iv)
      : encryptor.decryptInPlace(data, iv),
  );
  if (decrypted.buffer !== data.buffer) releaseBytes(data);
  return decrypted;
}

function requireBlobIv(id: BlobId, corruptCode: ErrorCode): Bytes {
  const iv = blobIv(id);
  if (iv !== undefined) return iv;
  throw new KopiaError(
    corruptCode,
    `blob ${id} cannot be decrypted: its name has no ${IV_HEX_DIGITS} hex digits before the first dash`,
    { details: { blobId: id } },
  );
}

/** IV of an encrypted blob: the 32 hex digits before the first dash, or before the end (spec 1 §4.5). */
export function blobIv(id: BlobId): Bytes | undefined {
  const dash = id.indexOf("-");
  const end = dash < 0 ? id.length : dash;
  if (end < IV_HEX_DIGITS) return undefined;
  return fromHex(id.slice(end - IV_HEX_DIGITS, end));
}
