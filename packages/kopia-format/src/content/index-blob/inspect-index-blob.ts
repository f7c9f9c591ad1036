import type { BlobId } from "../../blob/storage.ts";
import type { IndexReader } from "../index/index-reader.ts";
import { openIndex } from "../index/open-index.ts";
import { createIndexBlobManager, type IndexBlobManagerOptions } from "./index-blob-manager.ts";

/** Beginnings of the names of index blobs: of the older scheme and of epochs (spec 1 §8). */
export const INDEX_BLOB_PREFIXES: readonly string[] = ["n", "xn", "xs", "xr"];

/**
 * Reads one index blob, whether it counts or not.
 * @throws KopiaError `BLOB_NOT_FOUND`, `INDEX_CORRUPT`.
 */
export async function readIndexBlob(
  options: IndexBlobManagerOptions,
  blobId: BlobId,
): Promise<IndexReader> {
  return openIndex(await createIndexBlobManager(options).readIndexBlob(blobId), blobId);
}
