import { KopiaError, isKopiaError } from "../../../base/errors.ts";
import type { BlobId, BlobMetadata, BlobStorage } from "../../../blob/storage.ts";
import { POISON_BLOB_ID } from "../../../format/upgrade-format.ts";
import type { ContentEntry } from "../../content-entry.ts";
import { buildIndexShards } from "../../index/build-index.ts";
import { CommittedIndex } from "../../index/committed-index.ts";
import { entryWins, rankOf } from "../../index/entry-order.ts";
import { ContentEntryTable } from "../../index/entry-table.ts";
import type { IndexReader } from "../../index/index-reader.ts";
import { openIndex } from "../../index/open-index.ts";
import { listBlobs } from "../epoch/committed-state.ts";
import {
  compactIndexBlobs,
  isRepresented,
  readIndexes,
  type CompactionContext,
  type CompactionResult,
} from "../epoch/compaction.ts";
import { uncompactedPrefix } from "../epoch/epoch-names.ts";
import { V0IndexBlobManager } from "../v0/v0-index-blob-manager.ts";

/** Everything of the epoch scheme. */
const EPOCH_SCHEME_PREFIX = "x";
/** Epoch that an upgrade writes into. */
const FIRST_EPOCH = 0;

/** Active index blobs of the older scheme; the poison blob of an upgrade is none. */
export async function listOldIndexBlobs(
  context: Pick<CompactionContext, "storage" | "crypto">,
): Promise<BlobMetadata[]> {
  const manager = new V0IndexBlobManager(context.storage, context.crypto);
  const { blobs } = await manager.listActive();
  return blobs.filter(({ id }) => id !== POISON_BLOB_ID);
}

/**
 * Merges the index of the older scheme into epoch 0 (spec 1 §8.5); the format must switch afterwards.
 * What is there already is of an upgrade that was interrupted or rolled back. It may know contents whose
 * packs are gone by now, so it must not simply stay: what of it can still be read goes in, the rest
 * goes.
 * @returns `undefined` for a repository without contents.
 * @throws KopiaError `UPGRADE_UNSAFE` when epochs were in use, `EPOCH_EXPIRED` when somebody else still
 *   writes, `INDEX_CORRUPT`, and storage errors.
 */
export async function migrateToEpochs(
  context: CompactionContext,
): Promise<CompactionResult | undefined> {
  const { storage } = context;
  const leftovers = await listLeftovers(storage);
  const inputs = await listOldIndexBlobs(context);
  const moreEntries = await salvage(context, inputs, leftovers);
  const result =
    inputs.length + moreEntries.length === 0
      ? undefined
      : await compactIndexBlobs(context, {
          prefix: uncompactedPrefix(FIRST_EPOCH),
          inputs,
          moreEntries,
          listInputsAgain: async () => (await listOldIndexBlobs(context)).map(({ id }) => id),
        });
  const written = new Set<BlobId>(result?.outputs.map(({ id }) => id));
  for (const { id } of leftovers) if (!written.has(id)) await storage.delete(id);
  return result;
}

/** Index blobs of a migration that did not come to its end. */
async function listLeftovers(storage: BlobStorage): Promise<BlobMetadata[]> {
  const found = await listBlobs(storage, EPOCH_SCHEME_PREFIX);
  const foreign = found.find(({ id }) => !id.startsWith(uncompactedPrefix(FIRST_EPOCH)));
  if (foreign === undefined) return found;
  throw new KopiaError(
    "UPGRADE_UNSAFE",
    `the format says that the repository has no epochs, but ${foreign.id} is there: the format blob may be an old copy of the true one`,
    { details: { blobId: foreign.id } },
  );
}

/** Entries of leftovers that the old index does not know and whose bytes are still there. */
async function salvage(
  context: CompactionContext,
  inputs: readonly BlobMetadata[],
  leftovers: readonly BlobMetadata[],
): Promise<IndexReader[]> {
  if (leftovers.length === 0) return [];
  const known = new CommittedIndex();
  known.add(await readIndexes(context, inputs));
  const packs = new Map<BlobId, number>();
  let kept: ContentEntryTable | undefined;
  for (const reader of await readIndexes(context, leftovers)) {
    if (reader.entryCount === 0 || isRepresented(reader, known)) continue;
    kept ??= new ContentEntryTable(reader.keyLength);
    for (const entry of unrepresented(reader, known)) {
      const endBytes = entry.packOffset + entry.packedLength;
      if (endBytes <= (await packLength(context.storage, packs, entry.packBlobId)))
        kept.merge(entry);
    }
  }
  if (kept === undefined || kept.size === 0) return [];
  const shards = buildIndexShards(kept, { version: context.indexVersion });
  return shards.map((bytes, i) => openIndex(bytes, `entries of an earlier upgrade, shard ${i}`));
}

function* unrepresented(reader: IndexReader, known: CommittedIndex): Generator<ContentEntry> {
  for (let position = 0; position < reader.entryCount; position++) {
    const found = known.lookup(reader.contentIdAt(position));
    if (found === undefined || entryWins(rankOf(reader, position), found))
      yield reader.entryAt(position);
  }
}

/** Length of a pack; -1 when it is gone. */
async function packLength(
  storage: BlobStorage,
  known: Map<BlobId, number>,
  id: BlobId,
): Promise<number> {
  const present = known.get(id);
  if (present !== undefined) return present;
  let lengthBytes = -1;
  try {
    ({ lengthBytes } = await storage.getMetadata(id));
  } catch (error) {
    if (!isKopiaError(error, "BLOB_NOT_FOUND")) throw error;
  }
  known.set(id, lengthBytes);
  return lengthBytes;
}
