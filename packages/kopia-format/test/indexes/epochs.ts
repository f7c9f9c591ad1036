import { NS_PER_SECOND } from "../../src/base/clock.ts";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import type { BlobMetadata, BlobStorage } from "../../src/blob/storage.ts";
import type { ContentEntry } from "../../src/content/content-entry.ts";
import { buildIndex } from "../../src/content/index/build-index.ts";
import { CommittedIndex } from "../../src/content/index/committed-index.ts";
import { blobIv, type BlobCrypto } from "../../src/content/index-blob/blob-crypto.ts";
import { EpochIndexBlobManager } from "../../src/content/index-blob/epoch/epoch-index-blob-manager.ts";
import { EpochMaintenance } from "../../src/content/index-blob/epoch/epoch-maintenance.ts";
import { EpochManager } from "../../src/content/index-blob/epoch/epoch-manager.ts";
import type { IndexBlobManager } from "../../src/content/index-blob/index-blob-contract.ts";
import { createEncryptor } from "../../src/encryption/registry.ts";
import { DEFAULT_EPOCH_PARAMETERS } from "../../src/format/format-parameters.ts";
import type { EpochParameters } from "../../src/format/repository-format.ts";
import { createHashFunction } from "../../src/hashing/registry.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { seededRandom } from "../../src/testing/seeded.ts";
import { testFormat } from "../contents/contents.ts";

export const MINUTE_NS = 60n * NS_PER_SECOND;
export const HOUR_NS = 60n * MINUTE_NS;

/** A repository's epochs in memory, under a clock that the test moves. */
export interface EpochBench {
  readonly clock: FakeClock;
  readonly memory: MemoryStorage;
  readonly crypto: BlobCrypto;
  /** Another client of the same storage, or of a faulty view of it. */
  client(storage?: BlobStorage): EpochClient;
}

export interface EpochClient {
  readonly epochs: EpochManager;
  readonly manager: EpochIndexBlobManager;
  readonly maintenance: EpochMaintenance;
}

let nextSeed = 1;

export async function epochBench(
  options: Partial<EpochParameters> & { readonly maxEntriesPerShard?: number } = {},
): Promise<EpochBench> {
  const { maxEntriesPerShard, ...change } = options;
  const parameters = { ...DEFAULT_EPOCH_PARAMETERS, ...change };
  const clock = new FakeClock();
  const memory = new MemoryStorage({ clock });
  const { secret, masterKey, hash, encryption } = testFormat().content;
  const crypto = {
    hash: await createHashFunction(hash, secret),
    encryptor: createEncryptor(encryption, masterKey),
  };
  return {
    clock,
    memory,
    crypto,
    client(storage = memory) {
      const epochs = new EpochManager({ storage, parameters, clock });
      const maintenance = new EpochMaintenance({
        storage,
        crypto,
        epochs,
        parameters,
        clock,
        random: seededRandom(nextSeed++),
        indexVersion: 2,
        ...(maxEntriesPerShard === undefined ? {} : { maxEntriesPerShard }),
      });
      return { epochs, maintenance, manager: new EpochIndexBlobManager(storage, crypto, epochs) };
    },
  };
}

/** An entry of a made-up content. */
export function entryOf(number: number, change: Partial<ContentEntry> = {}): ContentEntry {
  return {
    contentId: number.toString(16).padStart(32, "0"),
    packBlobId: `p${number.toString(16).padStart(32, "0")}-s0011223344556677144`,
    timestampSeconds: 1000,
    packOffset: 32,
    packedLength: 128,
    originalLength: 100,
    deleted: false,
    compressionHeaderId: 0,
    formatVersion: 3,
    encryptionKeyId: 0,
    ...change,
  };
}

/** Flushes one index with these entries. */
export async function flush(
  manager: IndexBlobManager,
  ...entries: ContentEntry[]
): Promise<BlobMetadata> {
  const [blob] = await manager.writeFlush(
    [buildIndex(entries, { version: 2 })],
    `s${(nextSeed++).toString(16).padStart(16, "0")}144`,
  );
  return blob as BlobMetadata;
}

/** Everything that a client sees: entries of all active index blobs, merged. */
export async function visibleEntries(manager: IndexBlobManager): Promise<ContentEntry[]> {
  const { blobs, watermarkSeconds } = await manager.listActive();
  const index = new CommittedIndex();
  index.watermarkSeconds = watermarkSeconds;
  for (const { id } of blobs) {
    index.add([{ blobId: id, bytes: await manager.readIndexBlob(id) }]);
  }
  return [...index.entries({ includeDeleted: true })];
}

/** Other bytes than were meant, which decrypt under the name of a blob all the same. */
export function sealedAs(crypto: BlobCrypto, id: string): Uint8Array {
  return crypto.encryptor.encrypt(new Uint8Array(10), blobIv(id) as Uint8Array);
}

/** IDs of all blobs with a prefix, sorted. */
export async function idsOf(storage: BlobStorage, prefix = ""): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of storage.list(prefix)) ids.push(id);
  return ids.sort();
}
