import { bytesEqual, type Bytes } from "../../src/base/bytes.ts";
import { NS_PER_SECOND, type TimeNs } from "../../src/base/clock.ts";
import type { BlobStorage } from "../../src/blob/storage.ts";
import {
  createContentManager,
  type ContentManager,
  type ContentManagerOptions,
} from "../../src/content/content-manager.ts";
import type { Encryptor } from "../../src/encryption/encryptor.ts";
import { createEncryptor } from "../../src/encryption/registry.ts";
import type { ContentFormat, RepositoryFormat } from "../../src/format/repository-format.ts";
import { createHashFunction } from "../../src/hashing/registry.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { seededBytes, seededRandom } from "../../src/testing/seeded.ts";

/** A format as new repositories have, with the keys of spec 1 §15.1. */
export function testFormat(content: Partial<ContentFormat> = {}): RepositoryFormat {
  const count = (first: number) => Uint8Array.from({ length: 32 }, (_, i) => first + i);
  return {
    uniqueId: count(0),
    keyAlgorithm: "scrypt-65536-8-1",
    formatKey: count(0x20),
    blobRetention: {},
    content: {
      hash: "BLAKE2B-256-128",
      encryption: "AES256-GCM-HMAC-SHA256",
      ecc: "",
      eccOverheadPercent: 0,
      secret: count(0x40),
      masterKey: count(0x80),
      version: 3,
      maxPackSizeBytes: 20 * 2 ** 20,
      indexVersion: 2,
      epochParameters: {
        enabled: true,
        epochRefreshFrequencyNs: 1_200_000_000_000,
        fullCheckpointFrequency: 7,
        cleanupSafetyMarginNs: 14_400_000_000_000,
        minEpochDurationNs: 86_400_000_000_000,
        epochAdvanceOnCountThreshold: 20,
        epochAdvanceOnTotalSizeBytesThreshold: 10_485_760,
        deleteParallelism: 4,
      },
      enablePasswordChange: true,
      splitter: "DYNAMIC-4M-BUZHASH",
      requiredFeatures: [],
      ...content,
    },
  };
}

/** What tests choose of a content manager. */
export interface TestContentsOptions extends Partial<
  Omit<ContentManagerOptions, "storage" | "format">
> {
  readonly content?: Partial<ContentFormat>;
  readonly seed?: number;
}

let nextSeed = 1;

/** A content manager with a fake clock and randomness of its own: two of them never share names. */
export async function openContents(
  storage: BlobStorage,
  options: TestContentsOptions = {},
): Promise<ContentManager> {
  const format = testFormat(options.content);
  const random = seededRandom(options.seed ?? nextSeed++);
  const { hash, encryption, secret, masterKey } = format.content;
  return createContentManager({
    format,
    hash: await createHashFunction(hash, secret),
    encryptor: createEncryptor(encryption, masterKey, { random }),
    clock: new FakeClock(),
    random,
    client: { username: "u", hostname: "h" },
    ...options,
    storage,
  });
}

/** A cipher that decrypts in another way. */
export function decryptingBy(
  encryptor: Encryptor,
  decrypt: (stored: Uint8Array, iv: Uint8Array) => Bytes,
): Encryptor {
  return {
    name: encryptor.name,
    provider: encryptor.provider,
    overheadBytes: encryptor.overheadBytes,
    encrypt: (plain, iv) => encryptor.encrypt(plain, iv),
    encryptInto: (plain, iv, output) => encryptor.encryptInto(plain, iv, output),
    decrypt,
    decryptsTo: (stored, iv, plain) => bytesEqual(decrypt(stored, iv), plain),
  };
}

/** Seconds as the clock counts them. */
export function seconds(count: number): TimeNs {
  return BigInt(count) * NS_PER_SECOND;
}

/** Distinct bytes for each seed. */
export function data(seed: number, lengthBytes = 1000): Uint8Array {
  return seededBytes(seed, lengthBytes);
}

/** IDs of all blobs in storage, sorted. */
export async function blobIds(storage: BlobStorage, prefix = ""): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of storage.list(prefix)) ids.push(id);
  return ids.sort();
}
