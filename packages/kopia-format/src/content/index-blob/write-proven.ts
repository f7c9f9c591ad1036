import { bytesEqual, type Bytes } from "../../base/bytes.ts";
import { KopiaError, errorMessage } from "../../base/errors.ts";
import { releaseBytes } from "../../base/release-bytes.ts";
import type { BlobId, BlobMetadata, BlobStorage } from "../../blob/storage.ts";
import { readEncryptedBlob, type BlobCrypto, type BlobNameParts } from "./blob-crypto.ts";
import { encryptAndProve } from "./encrypt-and-prove.ts";

/** What the outputs of a compaction are written with. */
export interface ProvenWriting {
  readonly storage: BlobStorage;
  readonly crypto: BlobCrypto;
  readonly name: BlobNameParts;
  /** Throws when what was written and read back must not stay. */
  readonly assertMayStay: () => void | Promise<void>;
}

/**
 * Writes the outputs of a compaction, which count for every client as soon as they are there, and proves that they read
 * back as written. When anything fails, what was written or may have been is removed again: the inputs are all there.
 * @throws KopiaError `INDEX_CORRUPT`, also for a blob that could not be removed; what `assertMayStay` throws; storage errors.
 */
export async function writeProven(
  { storage, crypto, name, assertMayStay }: ProvenWriting,
  shards: readonly Bytes[],
): Promise<BlobMetadata[]> {
  const ids: BlobId[] = [];
  const written: BlobMetadata[] = [];
  try {
    for (const shard of shards) {
      const { id, data } = encryptAndProve(crypto, name, shard);
      ids.push(id);
      written.push(await storage.put(id, data));
      releaseBytes(data);
    }
    for (const [i, id] of ids.entries()) {
      const stored = await readEncryptedBlob(storage, crypto, id);
      const isSame = bytesEqual(stored, shards[i] as Bytes);
      releaseBytes(stored);
      if (!isSame) throw indexCorrupt(id, `index blob ${id} does not read back as written`);
    }
    await assertMayStay();
  } catch (error) {
    await removeInDoubt(storage, ids, error);
    throw error;
  }
  return written;
}

async function removeInDoubt(
  storage: BlobStorage,
  ids: readonly BlobId[],
  cause: unknown,
): Promise<void> {
  for (const id of ids) {
    try {
      await storage.delete(id);
    } catch (error) {
      const message = `index blob ${id} of a failed compaction could not be removed (${errorMessage(error)}): delete it by hand`;
      throw indexCorrupt(id, message, cause);
    }
  }
}

function indexCorrupt(blobId: BlobId, message: string, cause?: unknown): KopiaError {
  return new KopiaError("INDEX_CORRUPT", message, { details: { blobId }, cause });
}
