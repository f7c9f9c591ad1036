import type { Clock } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import type { BlobMetadata } from "../blob/storage.ts";
import { EpochManager } from "../content/index-blob/epoch/epoch-manager.ts";
import { listBlobs } from "../content/index-blob/epoch/committed-state.ts";
import {
  isRepresented,
  readIndexes,
  type CompactionContext,
} from "../content/index-blob/epoch/compaction.ts";
import { EPOCH_PREFIX } from "../content/index-blob/epoch/epoch-names.ts";
import {
  compareIndexes,
  migrateLateBlobs,
  type IndexComparison,
} from "../content/index-blob/migration/compare-indexes.ts";
import {
  listOldIndexBlobs,
  migrateToEpochs,
} from "../content/index-blob/migration/migrate-to-epochs.ts";
import { CommittedIndex } from "../content/index/committed-index.ts";
import type { RepositoryFormat } from "../format/repository-format.ts";
import {
  enableEpochs,
  findFormatBackup,
  loadFormatNow,
  restoreFormatBackup,
  type UpgradeFormatContext,
} from "../format/upgrade-format.ts";
import { createHashFunction } from "../hashing/registry.ts";
import { createContentEncryptor } from "./content-encryptor.ts";

/** Index version of repositories with epochs. */
const EPOCH_INDEX_VERSION = 2;
const MIGRATED_PREFIXES: readonly string[] = [
  EPOCH_PREFIX.uncompacted,
  EPOCH_PREFIX.singleEpoch,
  EPOCH_PREFIX.range,
];

/** The part of an upgrade that concerns the index: everything it does can be done again. */
export class IndexUpgrade {
  readonly #format: UpgradeFormatContext;
  readonly #clock: Clock;

  constructor(format: UpgradeFormatContext, clock: Clock) {
    this.#format = format;
    this.#clock = clock;
  }

  /** Merges the old index into epoch 0, then switches the format. @returns the number of contents. */
  async migrate(): Promise<number> {
    const { format } = await loadFormatNow(this.#format);
    const result = await migrateToEpochs(await this.#context(format));
    await enableEpochs(this.#format);
    return result?.contentCount ?? 0;
  }

  /** Compares old and new index. */
  async compare(): Promise<IndexComparison> {
    const { format } = await loadFormatNow(this.#format);
    return compareIndexes(await this.#context(format), this.#epochs(format));
  }

  /** As `compare`. @throws KopiaError `UPGRADE_UNSAFE` when something is missing. */
  async validate(): Promise<IndexComparison> {
    const comparison = await this.compare();
    if (comparison.missingCount === 0) return comparison;
    throw new KopiaError(
      "UPGRADE_UNSAFE",
      `the upgraded index lacks ${comparison.missingCount} entries of the old one, such as that of ${comparison.missing[0]}`,
      { details: { missingCount: comparison.missingCount } },
    );
  }

  /** Brings in what other clients wrote in the older scheme after the switch. */
  async catchUp(): Promise<readonly BlobMetadata[]> {
    const { format } = await loadFormatNow(this.#format);
    if (!format.content.epochParameters.enabled) return [];
    return migrateLateBlobs(await this.#context(format), this.#epochs(format));
  }

  /** Restores the format from before; what the migration wrote goes once nothing reads it any more. */
  async rollback(): Promise<void> {
    const opened = await loadFormatNow(this.#format);
    const backup = await findFormatBackup(this.#format, opened);
    const { epochParameters } = opened.format.content;
    const leavesEpochs = epochParameters.enabled && !backup.content.epochParameters.enabled;
    if (!leavesEpochs) {
      await restoreFormatBackup(this.#format, backup);
      return;
    }
    const context = await this.#context(opened.format);
    const migrated = await this.#onlyMigrated(context);
    await restoreFormatBackup(this.#format, backup);
    for (const { id } of migrated) await context.storage.delete(id);
  }

  /** The index blobs of the epochs, all of which the old index must represent. */
  async #onlyMigrated(context: CompactionContext): Promise<readonly BlobMetadata[]> {
    const old = new CommittedIndex();
    old.add(await readIndexes(context, await listOldIndexBlobs(context)));
    const blobs: BlobMetadata[] = [];
    for (const prefix of MIGRATED_PREFIXES)
      blobs.push(...(await listBlobs(context.storage, prefix)));
    for (const reader of await readIndexes(context, blobs)) {
      if (isRepresented(reader, old)) continue;
      throw new KopiaError(
        "UPGRADE_UNSAFE",
        `index blob ${reader.blobId} was written after the switch to epochs; rolling back would lose its contents`,
        { details: { blobId: reader.blobId } },
      );
    }
    return blobs;
  }

  #epochs(format: RepositoryFormat): EpochManager {
    const { storage } = this.#format;
    const parameters = format.content.epochParameters;
    return new EpochManager({ storage, parameters, clock: this.#clock });
  }

  async #context(format: RepositoryFormat): Promise<CompactionContext> {
    const { storage, random } = this.#format;
    const { hash, secret } = format.content;
    const crypto = {
      hash: await createHashFunction(hash, secret),
      encryptor: createContentEncryptor(format.content, random, ignoreRepair),
    };
    return { storage, crypto, random, indexVersion: EPOCH_INDEX_VERSION };
  }
}

function ignoreRepair(): void {
  // What error correction repaired is as good as undamaged here.
}
