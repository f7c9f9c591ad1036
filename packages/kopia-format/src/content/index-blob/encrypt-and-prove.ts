import { KopiaError } from "../../base/errors.ts";
import {
  blobIv,
  encryptBlob,
  type BlobCrypto,
  type BlobNameParts,
  type EncryptedBlob,
} from "./blob-crypto.ts";

/**
 * Encrypts an index blob and decrypts it again before it is stored (design §5): an index blob that
 * does not decrypt makes the repository unusable for everyone (spec 1 §12.4.10).
 * @throws KopiaError `INDEX_CORRUPT`.
 */
export function encryptAndProve(
  crypto: BlobCrypto,
  name: BlobNameParts,
  payload: Uint8Array,
): EncryptedBlob {
  const blob = encryptBlob(crypto, name, payload);
  const iv = blobIv(blob.id);
  if (iv === undefined || !crypto.encryptor.decryptsTo(blob.data, iv, payload)) {
    throw new KopiaError("INDEX_CORRUPT", `index blob ${blob.id} does not read back`, {
      details: { blobId: blob.id },
    });
  }
  return blob;
}
