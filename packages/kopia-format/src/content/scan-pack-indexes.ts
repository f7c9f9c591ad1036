import type { KopiaError } from "../base/errors.ts";
import { isKopiaError } from "../base/errors.ts";
import { releaseBytes } from "../base/release-bytes.ts";
import type { BlobId, BlobStorage } from "../blob/storage.ts";
import type { IndexReader } from "./index/index-reader.ts";
import type { BlobCrypto } from "./index-blob/blob-crypto.ts";
import { readLocalIndex } from "./pack/local-index.ts";

/** A pack to look into. */
export interface PackToScan {
  readonly id: BlobId;
  /** When it is known from a listing: spares asking for it. */
  readonly lengthBytes?: number;
}

/** What `scanPackIndexes` is told. */
export interface ScanPackIndexesOptions {
  readonly storage: BlobStorage;
  readonly crypto: BlobCrypto;
  readonly packs: Iterable<PackToScan>;
  /** Packs read at once. Default 1. */
  readonly parallel?: number;
  /** The index at the end of a pack, in no promised order. Its bytes are gone afterwards. */
  readonly onIndex: (packBlobId: BlobId, index: IndexReader) => void;
  /** A pack whose index cannot be read. What it throws ends the scan. */
  readonly onProblem: (packBlobId: BlobId, error: KopiaError) => void;
  readonly signal?: AbortSignal;
}

/**
 * Reads the local indexes of packs (spec 1 §6.3): what each pack says of itself, whatever the index blobs say.
 * @throws what `onProblem` throws; errors that are not about one pack; the signal's reason.
 */
export async function scanPackIndexes(options: ScanPackIndexesOptions): Promise<void> {
  const { storage, crypto, onIndex, onProblem, signal } = options;
  const packs = options.packs[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let next = packs.next(); next.done !== true; next = packs.next()) {
      signal?.throwIfAborted();
      const { id, lengthBytes } = next.value;
      try {
        const index = await readLocalIndex(storage, crypto, id, lengthBytes);
        onIndex(id, index);
        releaseBytes(index.bytes);
      } catch (error) {
        if (!isKopiaError(error)) throw error;
        onProblem(id, error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, options.parallel ?? 1) }, work));
}
