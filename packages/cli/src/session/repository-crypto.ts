import {
  createContentEncryptor,
  createHashFunction,
  type BlobCrypto,
  type Repository,
} from "@kopia-engine/kopia-format";

/** Hash and encryption of a repository, for blobs that are looked at one by one. */
export async function repositoryCrypto({ format, random }: Repository): Promise<BlobCrypto> {
  return {
    hash: await createHashFunction(format.content.hash, format.content.secret),
    encryptor: createContentEncryptor(format.content, random),
  };
}
