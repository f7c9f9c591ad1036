import { errorMessage } from "../base/errors.ts";
import { formatGoTime } from "../base/go-time.ts";
import type { JsonInput } from "../base/json-value.ts";
import type { ObservedOperation } from "./observed-storage.ts";

/** What Kopia's logs say about an operation, without its duration: that is told in several units. */
export function storageOperationFields(
  operation: ObservedOperation,
): Readonly<Record<string, JsonInput>> {
  const { method, blobId = "", range, lengthBytes = 0 } = operation;
  const error = operation.error === undefined ? null : errorMessage(operation.error);
  switch (method) {
    case "ListBlobs":
      return { prefix: operation.prefix ?? "", resultCount: operation.itemCount ?? 0, error };
    case "PutBlob":
      return { blobID: blobId, length: lengthBytes, error };
    case "GetBlob": {
      const { offsetBytes = 0, lengthBytes: length = -1 } = range ?? {};
      return { blobID: blobId, offset: offsetBytes, length, outputLength: lengthBytes, error };
    }
    case "GetMetadata":
      return { blobID: blobId, result: metadataFields(operation), error };
    case "DeleteBlob":
      return { blobID: blobId, error };
    default:
      return { error };
  }
}

function metadataFields({ metadata }: ObservedOperation): JsonInput {
  if (metadata === undefined) return null;
  const { id, lengthBytes, timestamp } = metadata;
  return { id, length: lengthBytes, timestamp: formatGoTime(timestamp) };
}
