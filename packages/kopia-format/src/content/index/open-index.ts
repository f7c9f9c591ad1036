import type { BlobId } from "../../blob/storage.ts";
import { checkKeyOrder, corruptIndex } from "./base-index-reader.ts";
import type { IndexReader } from "./index-reader.ts";
import { openIndexV1 } from "./index-v1.ts";
import { openIndexV2 } from "./index-v2.ts";

/**
 * Opens an index from its decrypted bytes; the bytes are kept, not copied. Either version, told by
 * the first byte; trailing bytes are ignored (spec 1 §7).
 * @param blobId named in errors.
 * @throws KopiaError `INDEX_CORRUPT` when header or sections do not fit the bytes, or keys are not
 *   strictly ascending. References of single entries are not checked here: see `INVALID_PACK_BLOB_ID`.
 */
export function openIndex(bytes: Uint8Array, blobId: BlobId): IndexReader {
  if (bytes.length === 0) throw corruptIndex(blobId, 0, "an index, found nothing");
  const reader = openVersion(bytes, blobId);
  checkKeyOrder(reader);
  return reader;
}

function openVersion(bytes: Uint8Array, blobId: BlobId): IndexReader {
  if (bytes[0] === 1) return openIndexV1(bytes, blobId);
  if (bytes[0] === 2) return openIndexV2(bytes, blobId);
  throw corruptIndex(blobId, 0, `index version 1 or 2, found ${bytes[0]}`);
}
