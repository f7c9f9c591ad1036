import type { Clock } from "../../base/clock.ts";
import type { RandomBytes } from "../../base/random.ts";
import type { BlobStorage } from "../../blob/storage.ts";
import type { Encryptor } from "../../encryption/encryptor.ts";
import type { RepositoryFormat } from "../../format/repository-format.ts";
import type { HashFunction } from "../../hashing/hash-function.ts";
import { EpochIndexBlobManager } from "./epoch/epoch-index-blob-manager.ts";
import { EpochMaintenance } from "./epoch/epoch-maintenance.ts";
import { EpochManager } from "./epoch/epoch-manager.ts";
import type { IndexBlobManager } from "./index-blob-contract.ts";
import { V0IndexBlobManager } from "./v0/v0-index-blob-manager.ts";
import { V0IndexMaintenance } from "./v0/v0-index-maintenance.ts";

export type { ActiveIndexBlobs, IndexBlobManager } from "./index-blob-contract.ts";

/** What an index blob manager works with. */
export interface IndexBlobManagerOptions {
  readonly storage: BlobStorage;
  readonly format: RepositoryFormat;
  readonly hash: HashFunction;
  readonly encryptor: Encryptor;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** The manager that the format asks for: epochs exactly when `epochParameters.enabled` (spec 1 §8.1). */
export function createIndexBlobManager(options: IndexBlobManagerOptions): IndexBlobManager {
  const { storage, hash, encryptor, clock } = options;
  const parameters = options.format.content.epochParameters;
  const crypto = { hash, encryptor };
  if (!parameters.enabled) return new V0IndexBlobManager(storage, crypto);
  const epochs = new EpochManager({ storage, parameters, clock });
  return new EpochIndexBlobManager(storage, crypto, epochs);
}

/** Upkeep of the epoch scheme; `undefined` for repositories of the older one. */
export function createEpochMaintenance(
  options: IndexBlobManagerOptions,
): EpochMaintenance | undefined {
  const { storage, hash, encryptor, clock, random, format } = options;
  const { epochParameters: parameters, indexVersion } = format.content;
  if (!parameters.enabled) return undefined;
  return new EpochMaintenance({
    storage,
    crypto: { hash, encryptor },
    random,
    indexVersion,
    epochs: new EpochManager({ storage, parameters, clock }),
    parameters,
    clock,
  });
}

/** Upkeep of the older scheme; `undefined` for repositories with epochs. */
export function createV0IndexMaintenance(
  options: IndexBlobManagerOptions,
): V0IndexMaintenance | undefined {
  const { storage, hash, encryptor, clock, random, format } = options;
  const { epochParameters, indexVersion, maxPackSizeBytes } = format.content;
  if (epochParameters.enabled) return undefined;
  const crypto = { hash, encryptor };
  return new V0IndexMaintenance({ storage, crypto, clock, random, indexVersion, maxPackSizeBytes });
}
