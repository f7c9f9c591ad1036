import type { Bytes } from "../../../base/bytes.ts";
import { releaseBytes } from "../../../base/release-bytes.ts";
import type { BlobId, BlobMetadata, BlobStorage } from "../../../blob/storage.ts";
import { readEncryptedBlob, type BlobCrypto } from "../blob-crypto.ts";
import { encryptAndProve } from "../encrypt-and-prove.ts";
import type { ActiveIndexBlobs, IndexBlobManager } from "../index-blob-contract.ts";
import type { EpochManager } from "./epoch-manager.ts";

/** Index blobs of a repository with epochs (spec 1 §8.4). */
export class EpochIndexBlobManager implements IndexBlobManager {
  readonly scheme = "epoch";
  /** The epochs underneath, for maintenance. */
  readonly epochs: EpochManager;
  private readonly storage: BlobStorage;
  private readonly crypto: BlobCrypto;

  constructor(storage: BlobStorage, crypto: BlobCrypto, epochs: EpochManager) {
    this.storage = storage;
    this.crypto = crypto;
    this.epochs = epochs;
  }

  listActive(): Promise<ActiveIndexBlobs> {
    return this.epochs.activeIndexBlobs();
  }

  invalidate(): void {
    this.epochs.invalidate();
  }

  readIndexBlob(id: BlobId): Promise<Bytes> {
    return readEncryptedBlob(this.storage, this.crypto, id);
  }

  async writeFlush(indexShards: readonly Uint8Array[], sessionId: string): Promise<BlobMetadata[]> {
    const suffix = `${sessionId}-c${indexShards.length}`;
    const shards = indexShards.map((shard) => {
      const { id, data } = encryptAndProve(this.crypto, { prefix: "", suffix }, shard);
      return { namePart: id, data };
    });
    const written = await this.epochs.writeIndexBlobs(shards);
    for (const { data } of shards) releaseBytes(data);
    return written;
  }
}
