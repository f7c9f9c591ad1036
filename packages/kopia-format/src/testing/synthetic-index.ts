import { toHex } from "../base/bytes.ts";
import { ContentEntryTable } from "../content/index/entry-table.ts";
import { buildIndexShards } from "../content/index/build-index.ts";
import {
  createIndexBlobManager,
  type IndexBlobManagerOptions,
} from "../content/index-blob/index-blob-manager.ts";
import { seededRandom } from "./seeded.ts";

/** How large an index is to be made up. */
export interface SyntheticIndexOptions extends IndexBlobManagerOptions {
  readonly contentCount: number;
  readonly blobCount: number;
  readonly seed: number;
  /** Default 500. */
  readonly contentsPerPack?: number;
  /** Stored length of each content. Default 40000. */
  readonly packedBytes?: number;
}

const CONTENTS_PER_PACK = 500;
const PACKED_BYTES = 40_000;
const SHARDS_PER_FLUSH = 100;
/** All entries are of this time; what it is does not matter. */
const TIMESTAMP_SECONDS = 1_700_000_000;

/**
 * Writes index blobs of contents that do not exist, to measure how large indexes are opened and searched. Nothing can
 * be restored from a repository with such an index.
 * @returns some of the content IDs, evenly chosen.
 */
export async function writeSyntheticIndex(options: SyntheticIndexOptions): Promise<string[]> {
  const { contentCount, blobCount, hash, format } = options;
  const { contentsPerPack = CONTENTS_PER_PACK, packedBytes = PACKED_BYTES } = options;
  const manager = createIndexBlobManager(options);
  const random = seededRandom(options.seed);
  const chosen: string[] = [];
  const shards: Uint8Array[] = [];
  for (let blob = 0; blob < blobCount; blob++) {
    const first = Math.floor((contentCount * blob) / blobCount);
    const end = Math.floor((contentCount * (blob + 1)) / blobCount);
    const table = new ContentEntryTable(1 + hash.sizeBytes);
    let packBlobId = "";
    for (let number = first; number < end; number++) {
      const inPack = (number - first) % contentsPerPack;
      if (inPack === 0) packBlobId = `p${toHex(random(16))}-s${toHex(random(8))}1`;
      const contentId = toHex(random(hash.sizeBytes));
      table.set({
        contentId,
        packBlobId,
        timestampSeconds: TIMESTAMP_SECONDS,
        packOffset: inPack * packedBytes,
        packedLength: packedBytes,
        originalLength: packedBytes - 28,
        deleted: false,
        compressionHeaderId: 0,
        formatVersion: format.content.version,
        encryptionKeyId: 0,
      });
      if (number % 100 === 0) chosen.push(contentId);
    }
    shards.push(...buildIndexShards(table, { version: format.content.indexVersion }));
    // Each flush lists the storage, so not one for each of thousands of blobs.
    if (shards.length < SHARDS_PER_FLUSH && blob < blobCount - 1 && blobCount > SHARDS_PER_FLUSH) {
      continue;
    }
    await manager.writeFlush(shards.splice(0), `s${toHex(random(8))}1`);
  }
  return chosen;
}
