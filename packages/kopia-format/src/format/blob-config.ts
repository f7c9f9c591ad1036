import { utf8Encode, type Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import { goStringify } from "../base/go-json.ts";
import { decodeJsonDocument } from "./json-document.ts";
import type { BlobRetention } from "./repository-format.ts";

/** Blob ID of the blob-retention settings. */
export const BLOB_CONFIG_ID = "kopia.blobcfg";

const RETENTION_MODES: readonly string[] = ["GOVERNANCE", "COMPLIANCE"];
const MIN_RETENTION_NS = 24 * 3600e9;

/**
 * Decodes the plaintext of `kopia.blobcfg` (spec 1 §2.5).
 * @throws KopiaError `FORMAT_CORRUPT`.
 */
export function decodeBlobConfig(plaintext: Uint8Array): BlobRetention {
  const options = { where: BLOB_CONFIG_ID, corruptCode: "FORMAT_CORRUPT" } as const;
  return decodeJsonDocument(plaintext, options, (fields) => {
    const retentionMode = fields.string("retentionMode");
    const retentionPeriodNs = fields.integer("retentionPeriod");
    return {
      ...(retentionMode === "" ? {} : { retentionMode }),
      ...(retentionPeriodNs === 0 ? {} : { retentionPeriodNs }),
    };
  });
}

/** Plaintext of `kopia.blobcfg`; `{}` without settings. */
export function encodeBlobConfig(retention: BlobRetention): Bytes {
  return utf8Encode(
    goStringify({
      retentionMode: retention.retentionMode || undefined,
      retentionPeriod: retention.retentionPeriodNs || undefined,
    }),
  );
}

/**
 * Checks settings that are about to be stored.
 * @throws KopiaError `FORMAT_INVALID_PARAMETER`.
 */
export function validateBlobRetention(retention: BlobRetention): void {
  const { retentionMode, retentionPeriodNs } = retention;
  const problem =
    (retentionMode === undefined) !== (retentionPeriodNs === undefined)
      ? "retention mode and period must be given together"
      : retentionMode !== undefined && !RETENTION_MODES.includes(retentionMode)
        ? `retention mode must be one of ${RETENTION_MODES.join(", ")}`
        : retentionPeriodNs !== undefined && retentionPeriodNs < MIN_RETENTION_NS
          ? "retention period must be at least 24 hours"
          : undefined;
  if (problem !== undefined) throw new KopiaError("FORMAT_INVALID_PARAMETER", problem);
}
