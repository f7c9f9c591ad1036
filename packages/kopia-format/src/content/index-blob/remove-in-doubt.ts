import { KopiaError, errorMessage } from "../../base/errors.ts";
import type { BlobId, BlobStorage } from "../../blob/storage.ts";

/**
 * Removes what a failed compaction wrote, or may have written: it counts for every client, so what is in doubt must not
 * stay. Its inputs are all there.
 * @param cause why the compaction failed.
 * @throws KopiaError `INDEX_CORRUPT` naming a blob that could not be removed.
 */
export async function removeInDoubt(
  storage: BlobStorage,
  ids: readonly BlobId[],
  cause: unknown,
): Promise<void> {
  for (const id of ids) {
    try {
      await storage.delete(id);
    } catch (error) {
      throw new KopiaError(
        "INDEX_CORRUPT",
        `index blob ${id} of a failed compaction could not be removed (${errorMessage(error)}): delete it by hand`,
        { details: { blobId: id }, cause },
      );
    }
  }
}
