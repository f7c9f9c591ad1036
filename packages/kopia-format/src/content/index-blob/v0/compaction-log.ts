import { KopiaError } from "../../../base/errors.ts";
import { asObject } from "../../../base/json-fields.ts";
import type { BlobId } from "../../../blob/storage.ts";
import { FieldReader, decodeJsonDocument } from "../../../format/json-document.ts";

/** Blob prefixes of the older scheme (spec 1 §8.3). */
export const V0_PREFIX = { index: "n", compactionLog: "m", cleanupLog: "l" } as const;

/** What an `m` blob says: these inputs were merged into these outputs. */
export interface CompactionLog {
  readonly inputIds: readonly BlobId[];
  readonly outputIds: readonly BlobId[];
}

/**
 * Decodes the payload of an `m` blob.
 * @throws KopiaError `INDEX_CORRUPT`.
 */
export function decodeCompactionLog(payload: Uint8Array, blobId: BlobId): CompactionLog {
  const options = { where: `compaction log ${blobId}`, corruptCode: "INDEX_CORRUPT" } as const;
  return decodeJsonDocument(payload, options, (fields) => ({
    inputIds: idsOf(fields, "inputMetadata"),
    outputIds: idsOf(fields, "outputMetadata"),
  }));
}

function idsOf(fields: FieldReader, name: string): BlobId[] {
  return fields.array(name).map((value) => {
    const id = new FieldReader(asObject(value, name), name).string("id");
    if (id === "") throw new KopiaError("JSON_INVALID", `${name}: expected blob IDs, found none`);
    return id;
  });
}
