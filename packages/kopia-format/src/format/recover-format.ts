import type { Bytes } from "../base/bytes.ts";
import { isKopiaError } from "../base/errors.ts";
import type { BlobId, BlobMetadata, BlobStorage } from "../blob/storage.ts";
import {
  FORMAT_COPY_SEARCH_BYTES,
  findFormatCopyAtEnd,
  findFormatCopyAtStart,
} from "./format-copy.ts";

/** A copy of the format blob that a pack holds. */
export interface FoundFormatCopy {
  readonly packBlobId: BlobId;
  /** Bytes of `kopia.repository`. */
  readonly formatBlob: Bytes;
}

/**
 * Looks for a copy of the format blob in packs (spec 3 §3.5): only repositories whose password cannot be
 * changed have any. Packs that vanish meanwhile are passed over.
 * @param onPack called before each pack is looked into.
 * @throws KopiaError storage errors.
 */
export async function findFormatCopy(
  storage: BlobStorage,
  packs: AsyncIterable<BlobMetadata> | Iterable<BlobMetadata>,
  onPack?: (packBlobId: BlobId) => void,
): Promise<FoundFormatCopy | undefined> {
  for await (const { id, lengthBytes } of packs) {
    onPack?.(id);
    const formatBlob = await copyInPack(storage, id, lengthBytes);
    if (formatBlob !== undefined) return { packBlobId: id, formatBlob };
  }
  return undefined;
}

async function copyInPack(
  storage: BlobStorage,
  id: BlobId,
  packBytes: number,
): Promise<Bytes | undefined> {
  const lengthBytes = Math.min(packBytes, FORMAT_COPY_SEARCH_BYTES);
  try {
    const head = await storage.get(id, { offsetBytes: 0, lengthBytes });
    const atStart = findFormatCopyAtStart(head);
    if (atStart !== undefined || packBytes === lengthBytes) {
      return atStart ?? findFormatCopyAtEnd(head);
    }
    const offsetBytes = packBytes - lengthBytes;
    return findFormatCopyAtEnd(await storage.get(id, { offsetBytes, lengthBytes }));
  } catch (error) {
    if (isKopiaError(error, "BLOB_NOT_FOUND") || isKopiaError(error, "STORAGE_RANGE")) {
      return undefined;
    }
    throw error;
  }
}
