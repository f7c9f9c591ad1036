import {
  KopiaError,
  MAINTENANCE_BLOB_ID,
  bytesEqual,
  createIndexBlobManager,
  errorMessage,
  isKopiaError,
  type BlobId,
  type IndexBlobManagerOptions,
  type Repository,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import type { Cycle, IndexUpkeep } from "./maintenance-cycle.ts";
import { MAX_CLOCK_SKEW_NS } from "./safety-parameters.ts";

/**
 * Refuses a repository whose index is not whole, before anything is written (not in Kopia): every index
 * blob must be in the storage itself and decrypt, whatever a cache holds.
 * @throws KopiaError `MAINTENANCE_REFUSED`, `REPOSITORY_INDEX_MISSING`.
 */
export async function assertWholeIndex(
  repository: Repository,
  index: IndexBlobManagerOptions,
  options: { readonly upkeep: IndexUpkeep; readonly isLoadedFromStorage: boolean },
): Promise<void> {
  await repository.contents.assertIndexPresent();
  const { upkeep, isLoadedFromStorage } = options;
  if (upkeep.scheme === "epoch") {
    const missing = await upkeep.epochs.missingEpochs();
    if (missing.length > 0) {
      throw new KopiaError(
        "MAINTENANCE_REFUSED",
        `there is no index blob of epoch ${missing.join(", ")}: what they named would be taken for garbage; ` +
          "recover the index from the packs first",
        { details: { epochs: missing.join(",") } },
      );
    }
  }
  if (isLoadedFromStorage) return;
  const manager = createIndexBlobManager(index);
  for (const { id } of (await manager.listActive()).blobs) {
    try {
      await manager.readIndexBlob(id);
    } catch (error) {
      if (!isKopiaError(error)) throw error;
      throw new KopiaError(
        "MAINTENANCE_REFUSED",
        `index blob ${id} cannot be read: what it names would be taken for garbage (${errorMessage(error)})`,
        { details: { blobId: id }, cause: error },
      );
    }
  }
}

/**
 * Time of the storage at which the schedule was just written (spec 3 §1.4 steps 8 and 9).
 * @throws KopiaError `MAINTENANCE_CLOCK_SKEW`, `MAINTENANCE_REFUSED` for a listing that does not show it.
 */
export async function storageTimeOfStart({ storage, clock }: Repository): Promise<TimeNs> {
  const { timestamp } = await storage.getMetadata(MAINTENANCE_BLOB_ID);
  const skew = timestamp - clock.now();
  if (skew > MAX_CLOCK_SKEW_NS || -skew > MAX_CLOCK_SKEW_NS) {
    throw new KopiaError(
      "MAINTENANCE_CLOCK_SKEW",
      `the storage's clock and this machine's differ by ${skew / 1_000_000_000n} s, at most 300 are safe`,
    );
  }
  for await (const blob of storage.list(MAINTENANCE_BLOB_ID)) {
    if (blob.id === MAINTENANCE_BLOB_ID && blob.timestamp >= timestamp) return timestamp;
  }
  throw new KopiaError(
    "MAINTENANCE_REFUSED",
    `the storage's listing does not show ${MAINTENANCE_BLOB_ID} as just written: it is too old to decide by`,
  );
}

/**
 * Loads the index again between tasks. Nobody else may take index blobs away meanwhile, so one that is not
 * listed any more means a listing that is too old, or another maintainer.
 * @param superseded index blobs that this run replaced.
 * @throws KopiaError `MAINTENANCE_REFUSED`.
 */
export async function refreshTrusted(
  { repository, dryRun }: Pick<Cycle, "repository" | "dryRun">,
  superseded: ReadonlySet<BlobId> = new Set(),
): Promise<void> {
  if (dryRun) return;
  const before = repository.contents.indexBlobs();
  await repository.refresh();
  const after = new Set(repository.contents.indexBlobs().map(({ id }) => id));
  const vanished = before.find(({ id }) => !after.has(id) && !superseded.has(id));
  if (vanished === undefined) return;
  throw new KopiaError(
    "MAINTENANCE_REFUSED",
    `the storage's listing does not show index blob ${vanished.id}, which was there during this run: ` +
      "the listing is too old to decide by, or something else maintains this repository",
    { details: { blobId: vanished.id } },
  );
}

/**
 * Refuses to delete while another run writes the schedule: nothing in the storage keeps two maintainers apart
 * (spec 3 §1.18).
 * @throws KopiaError `MAINTENANCE_REFUSED`.
 */
export async function assertOnlyMaintainer(cycle: Cycle): Promise<void> {
  const { repository, writtenSchedule, dryRun } = cycle;
  if (dryRun || writtenSchedule === undefined) return;
  if (bytesEqual(await repository.storage.get(MAINTENANCE_BLOB_ID), writtenSchedule)) return;
  throw new KopiaError(
    "MAINTENANCE_REFUSED",
    `something else wrote ${MAINTENANCE_BLOB_ID} during this run: another maintainer is at work; nothing more was deleted`,
  );
}
