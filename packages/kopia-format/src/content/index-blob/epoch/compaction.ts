import { toHex, type Bytes } from "../../../base/bytes.ts";
import { KopiaError } from "../../../base/errors.ts";
import type { RandomBytes } from "../../../base/random.ts";
import { releaseBytes } from "../../../base/release-bytes.ts";
import type { BlobId, BlobMetadata, BlobStorage } from "../../../blob/storage.ts";
import { buildIndexShards } from "../../index/build-index.ts";
import { CommittedIndex } from "../../index/committed-index.ts";
import { entryWins, rankOf } from "../../index/entry-order.ts";
import type { IndexReader } from "../../index/index-reader.ts";
import { MergedEntries } from "../../index/merged-entries.ts";
import { openIndex } from "../../index/open-index.ts";
import { readEncryptedBlob, type BlobCrypto } from "../blob-crypto.ts";
import { writeProven } from "../write-proven.ts";

/** What compactions work with. */
export interface CompactionContext {
  readonly storage: BlobStorage;
  readonly crypto: BlobCrypto;
  readonly random: RandomBytes;
  /** The repository's `indexVersion`. */
  readonly indexVersion: number;
  /** Smaller in tests only. */
  readonly maxEntriesPerShard?: number;
}

/** What is to be compacted into what. */
export interface CompactionJob {
  /** Blob name prefix with epoch numbers and the underscore. */
  readonly prefix: string;
  readonly inputs: readonly BlobMetadata[];
  /** Entries that go in besides the inputs. */
  readonly moreEntries?: readonly IndexReader[];
  /** Lists the inputs again after writing: IDs that were not there before make the compaction void. */
  listInputsAgain(): Promise<readonly BlobId[]>;
}

/** A compaction that was done. */
export interface CompactionResult {
  readonly inputs: readonly BlobMetadata[];
  readonly outputs: readonly BlobMetadata[];
  /** Distinct contents. */
  readonly contentCount: number;
}

const SESSION_RANDOM_BYTES = 8;

/**
 * Merges index blobs into new ones (spec 1 §8.4.6): nothing is dropped, no random suffix. Since such
 * blobs replace their inputs for every client, and the inputs are deleted some day, it is proven that
 * each input entry is represented: before writing, in the bytes that were read back, and against inputs
 * that came late. A failed proof removes what was written.
 * @throws KopiaError `INDEX_CORRUPT`, `EPOCH_EXPIRED` when an input came late, and storage errors.
 */
export async function compactIndexBlobs(
  context: CompactionContext,
  job: CompactionJob,
): Promise<CompactionResult> {
  const inputs = await readIndexes(context, job.inputs);
  const { shards, contentCount } = mergeProven(context, job, inputs);
  // Tens of MiB, as the shards, and then twice that for what is written and read back.
  for (const { bytes } of inputs) releaseBytes(bytes);
  const session = `s${toHex(context.random(SESSION_RANDOM_BYTES))}`;
  const outputs = await writeProven(
    {
      ...context,
      name: { prefix: job.prefix, suffix: `${session}-c${shards.length}` },
      assertMayStay: () => refuseLateInputs(job),
    },
    shards,
  );
  return { inputs: job.inputs, outputs, contentCount };
}

function mergeProven(
  { indexVersion: version, maxEntriesPerShard }: CompactionContext,
  job: CompactionJob,
  inputs: readonly IndexReader[],
): { readonly shards: readonly Bytes[]; readonly contentCount: number } {
  const readers = [...inputs, ...(job.moreEntries ?? [])];
  const entries = new MergedEntries(readers);
  const shards = buildIndexShards(
    entries,
    maxEntriesPerShard === undefined ? { version } : { version, maxEntriesPerShard },
  );
  proveRepresented(readers, indexOf(job.prefix, shards));
  return { shards, contentCount: entries.size };
}

/**
 * Whether every entry of a reader is in an index, or a winning entry of the same content is (spec 1 §7.6).
 */
export function isRepresented(reader: IndexReader, index: CommittedIndex): boolean {
  for (let position = 0; position < reader.entryCount; position++) {
    const found = index.lookup(reader.contentIdAt(position));
    if (found === undefined || entryWins(rankOf(reader, position), found)) return false;
  }
  return true;
}

/** Reads and opens index blobs. @throws KopiaError `INDEX_CORRUPT`, and storage errors. */
export async function readIndexes(
  context: Pick<CompactionContext, "storage" | "crypto">,
  blobs: readonly BlobMetadata[],
): Promise<IndexReader[]> {
  const readers: IndexReader[] = [];
  for (const { id } of blobs) {
    readers.push(openIndex(await readEncryptedBlob(context.storage, context.crypto, id), id));
  }
  return readers;
}

function indexOf(name: string, shards: readonly Bytes[]): CommittedIndex {
  const index = new CommittedIndex();
  index.add(shards.map((bytes, i) => ({ blobId: `${name} shard ${i}`, bytes })));
  return index;
}

function proveRepresented(inputs: readonly IndexReader[], output: CommittedIndex): void {
  for (const reader of inputs) {
    if (isRepresented(reader, output)) continue;
    throw new KopiaError(
      "INDEX_CORRUPT",
      `a compaction would lose entries of index blob ${reader.blobId}; nothing was written`,
      { details: { blobId: reader.blobId } },
    );
  }
}

async function refuseLateInputs(job: CompactionJob): Promise<void> {
  const known = new Set(job.inputs.map((blob) => blob.id));
  for (const id of await job.listInputsAgain()) {
    if (known.has(id)) continue;
    throw new KopiaError(
      "EPOCH_EXPIRED",
      `index blob ${id} appeared while its epoch was being compacted; the compaction was removed again`,
      { details: { blobId: id } },
    );
  }
}
