import type { Bytes } from "../../../base/bytes.ts";
import { isKopiaError } from "../../../base/errors.ts";
import { releaseBytes } from "../../../base/release-bytes.ts";
import type { BlobId, BlobMetadata, BlobStorage } from "../../../blob/storage.ts";
import { readEncryptedBlob, type BlobCrypto } from "../blob-crypto.ts";
import { encryptAndProve } from "../encrypt-and-prove.ts";
import type { ActiveIndexBlobs, IndexBlobManager } from "../index-blob-contract.ts";
import { V0_PREFIX, decodeCompactionLog, type CompactionLog } from "./compaction-log.ts";

/** Index blobs of a repository of the older scheme: `n`, `m` and `l` blobs (spec 1 §8.3). */
export class V0IndexBlobManager implements IndexBlobManager {
  readonly scheme = "v0";
  private readonly storage: BlobStorage;
  private readonly crypto: BlobCrypto;

  constructor(storage: BlobStorage, crypto: BlobCrypto) {
    this.storage = storage;
    this.crypto = crypto;
  }

  async listActive(): Promise<ActiveIndexBlobs> {
    const indexes: BlobMetadata[] = [];
    for await (const blob of this.storage.list(V0_PREFIX.index)) indexes.push(blob);
    return { blobs: withoutSuperseded(indexes, await this.readLogs()), watermarkSeconds: 0 };
  }

  invalidate(): void {
    // Nothing is kept.
  }

  readIndexBlob(id: BlobId): Promise<Bytes> {
    return readEncryptedBlob(this.storage, this.crypto, id);
  }

  async writeFlush(indexShards: readonly Uint8Array[], sessionId: string): Promise<BlobMetadata[]> {
    const name = { prefix: V0_PREFIX.index, suffix: sessionId };
    const written: BlobMetadata[] = [];
    for (const shard of indexShards) {
      const { id, data } = encryptAndProve(this.crypto, name, shard);
      written.push(await this.storage.put(id, data));
      releaseBytes(data);
    }
    return written;
  }

  private async readLogs(): Promise<CompactionLog[]> {
    const logs: CompactionLog[] = [];
    for await (const { id } of this.storage.list(V0_PREFIX.compactionLog)) {
      const log = await this.readLog(id);
      if (log !== undefined) logs.push(log);
    }
    return logs;
  }

  /** `undefined` when the log vanished since it was listed: its inputs are gone as well then. */
  private async readLog(id: BlobId): Promise<CompactionLog | undefined> {
    try {
      return decodeCompactionLog(await readEncryptedBlob(this.storage, this.crypto, id), id);
    } catch (error) {
      if (isKopiaError(error, "BLOB_NOT_FOUND")) return undefined;
      throw error;
    }
  }
}

/** All index blobs but the inputs of those compactions whose outputs are all there (spec 1 §8.3). */
export function withoutSuperseded(
  indexes: readonly BlobMetadata[],
  logs: readonly CompactionLog[],
): BlobMetadata[] {
  const present = new Set(indexes.map((blob) => blob.id));
  const superseded = new Set<BlobId>();
  for (const log of logs) {
    if (!log.outputIds.every((id) => present.has(id))) continue;
    for (const id of log.inputIds) superseded.add(id);
  }
  return indexes.filter((blob) => !superseded.has(blob.id));
}
