import { utf8Encode, type Bytes } from "../../../base/bytes.ts";
import type { TimeNs } from "../../../base/clock.ts";
import { KopiaError } from "../../../base/errors.ts";
import { goStringify } from "../../../base/go-json.ts";
import { GO_ZERO_TIME, formatGoTime, parseGoTime } from "../../../base/go-time.ts";
import { asObject, asString } from "../../../base/json-fields.ts";
import type { BlobId, BlobMetadata } from "../../../blob/storage.ts";
import { FieldReader, decodeJsonDocument } from "../../../format/json-document.ts";

/** Blob prefixes of the older scheme (spec 1 §8.3). */
export const V0_PREFIX = { index: "n", compactionLog: "m", cleanupLog: "l" } as const;

/** What an `m` blob says: these inputs were merged into these outputs. */
export interface CompactionLog {
  readonly inputIds: readonly BlobId[];
  readonly outputIds: readonly BlobId[];
}

/** What an `l` blob says: these `m` blobs may go once others had time to see that their inputs are gone. */
export interface CleanupLog {
  readonly blobIds: readonly BlobId[];
  readonly scheduledAt: TimeNs;
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

/** Payload of an `m` blob. */
export function encodeCompactionLog(
  inputs: readonly BlobMetadata[],
  outputs: readonly BlobMetadata[],
): Bytes {
  const listed = (blobs: readonly BlobMetadata[]) =>
    blobs.length === 0
      ? null
      : blobs.map(({ id, lengthBytes, timestamp }) => ({
          id,
          length: lengthBytes,
          timestamp: formatGoTime(timestamp),
        }));
  return utf8Encode(
    goStringify({ inputMetadata: listed(inputs), outputMetadata: listed(outputs) }),
  );
}

/**
 * Decodes the payload of an `l` blob.
 * @throws KopiaError `INDEX_CORRUPT`.
 */
export function decodeCleanupLog(payload: Uint8Array, blobId: BlobId): CleanupLog {
  const options = { where: `cleanup log ${blobId}`, corruptCode: "INDEX_CORRUPT" } as const;
  return decodeJsonDocument(payload, options, (fields) => {
    const time = fields.string("cleanupScheduleTime");
    return {
      blobIds: fields.array("blobIDs").map((id) => asString(id, "blobIDs")),
      scheduledAt: time === "" ? GO_ZERO_TIME : parseGoTime(time),
    };
  });
}

/** Payload of an `l` blob. */
export function encodeCleanupLog({ blobIds, scheduledAt }: CleanupLog): Bytes {
  return utf8Encode(
    goStringify({ blobIDs: [...blobIds], cleanupScheduleTime: formatGoTime(scheduledAt) }),
  );
}

function idsOf(fields: FieldReader, name: string): BlobId[] {
  return fields.array(name).map((value) => {
    const id = new FieldReader(asObject(value, name), name).string("id");
    if (id === "") throw new KopiaError("JSON_INVALID", `${name}: expected blob IDs, found none`);
    return id;
  });
}
