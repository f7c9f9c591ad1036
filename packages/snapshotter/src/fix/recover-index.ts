import {
  RecoveredEntries,
  createContentEncryptor,
  createHashFunction,
  isKopiaError,
  scanPackIndexes,
  type BlobId,
  type BlobMetadata,
  type KopiaError,
  type PackToScan,
  type Repository,
} from "@kopia-engine/kopia-format";

/** What `recoverIndex` is told. */
export interface RecoverIndexOptions {
  readonly repository: Repository;
  /** Packs to look into; default: all. */
  readonly packs?: readonly BlobId[];
  /** Beginnings of the names of packs to look into; default: `p` and `q`. Not with `packs`. */
  readonly prefixes?: readonly string[];
  /** Packs read at once. Default 1. */
  readonly parallel?: number;
  /** Told about packs that cannot be read; without it the first one ends the recovery. */
  readonly onProblem?: (packBlobId: BlobId, error: KopiaError) => void;
  /** Writes the entries; else they are only counted. */
  readonly commit: boolean;
  readonly signal?: AbortSignal;
}

/** What was recovered. */
export interface RecoveredIndex {
  /** Packs that were read. */
  readonly packCount: number;
  /** Entries that they hold. */
  readonly entryCount: number;
  /** Entries that the index has not, or only in a version that loses. */
  readonly missingCount: number;
  /** Index blobs that were written. */
  readonly written: readonly BlobMetadata[];
}

const ALL_PACKS = ["p", "q"];

/**
 * Rebuilds index entries from what packs say of themselves (spec 3 §3.4). Only what the index has lost is
 * written, as one more index blob; nothing is replaced or deleted, so it may be interrupted and done again.
 * @throws KopiaError `PACK_CORRUPT`, `BLOB_NOT_FOUND` for a pack without `onProblem`, storage errors.
 */
export async function recoverIndex(options: RecoverIndexOptions): Promise<RecoveredIndex> {
  const { repository, parallel = 1, onProblem, commit, signal } = options;
  const { storage, format, random, clock, contents } = repository;
  const crypto = {
    hash: await createHashFunction(format.content.hash, format.content.secret),
    encryptor: createContentEncryptor(format.content, random),
  };
  const packs = await chosenPacks(options);
  // The listing comes first: what a writer finishes meanwhile is in the index then.
  await repository.refresh();
  const recovered = new RecoveredEntries(crypto.hash.sizeBytes);
  await scanPackIndexes({
    storage,
    crypto,
    packs,
    parallel,
    ...(signal !== undefined && { signal }),
    onIndex: (packId, index) => {
      try {
        recovered.add(packId, index, (id) => contents.getContentRecord(id));
      } catch (error) {
        if (!isKopiaError(error) || onProblem === undefined) throw error;
        onProblem(packId, error);
      }
    },
    onProblem: (packId, error) => {
      if (onProblem === undefined) throw error;
      onProblem(packId, error);
    },
  });
  const written = commit
    ? await recovered.commit({ storage, format, ...crypto, clock, random })
    : [];
  return {
    packCount: recovered.packCount,
    entryCount: recovered.entryCount,
    missingCount: recovered.keptCount,
    written,
  };
}

async function chosenPacks({
  repository,
  packs,
  prefixes,
}: RecoverIndexOptions): Promise<PackToScan[]> {
  if (packs !== undefined && packs.length > 0) return packs.map((id) => ({ id }));
  const found: PackToScan[] = [];
  for (const prefix of prefixes === undefined || prefixes.length === 0 ? ALL_PACKS : prefixes) {
    for await (const { id, lengthBytes } of repository.storage.list(prefix)) {
      found.push({ id, lengthBytes });
    }
  }
  return found;
}
