import { KopiaError } from "../base/errors.ts";
import { systemRandom, type RandomBytes } from "../base/random.ts";
import type { BlobStorage } from "../blob/storage.ts";
import { validateBlobRetention } from "./blob-config.ts";
import { validateMutableParameters } from "./format-parameters.ts";
import { deriveFormatKey } from "./key-derivation.ts";
import { checkFormat, loadOpenedFormat, type FormatSecret } from "./load-format.ts";
import type { BlobRetention, ContentFormat, RepositoryFormat } from "./repository-format.ts";
import { writeFormatBlobs } from "./write-format.ts";

/** The old password and the new one. */
export interface PasswordChange {
  readonly password: string;
  readonly newPassword: string;
}

/**
 * Changes the repository's password (spec 1 §2.11): both format blobs under the new key, nothing
 * else. Clients that are open fail at their next look at the format blob. Killed anywhere, the old or the
 * new password opens the repository, unless it has retention settings.
 * @throws KopiaError `INVALID_PASSWORD`, `FORMAT_INVALID_PARAMETER` where the format does not allow
 *   it, and as `loadRepositoryFormat`.
 */
export async function changePassword(
  storage: BlobStorage,
  change: PasswordChange,
  random: RandomBytes = systemRandom,
): Promise<RepositoryFormat> {
  const opened = await loadOpenedFormat(storage, change.password);
  checkFormat(opened.format, {});
  const { content, uniqueId, keyAlgorithm, blobRetention } = opened.format;
  if (!content.enablePasswordChange) {
    throw new KopiaError(
      "FORMAT_INVALID_PARAMETER",
      "the password of this repository cannot be changed: its format does not allow it",
    );
  }
  const formatKey = await deriveFormatKey({
    password: change.newPassword,
    uniqueId,
    keyAlgorithm,
  });
  const toWrite = { ...opened, formatKey, content, blobRetention, replacesKey: true };
  return writeFormatBlobs(storage, random, toWrite);
}

/** Parameters that may change; what is left out stays (spec 1 §3.1). */
export interface FormatChange {
  readonly maxPackSizeBytes?: number;
  /** May only be raised. */
  readonly indexVersion?: number;
  readonly epochParameters?: ContentFormat["epochParameters"];
  readonly blobRetention?: BlobRetention;
}

/**
 * Changes mutable parameters: reads, changes and writes at once, keeping what it does not know
 * (spec 1 §12.4.13). Other clients see the change within 15 minutes.
 * @throws KopiaError `FORMAT_INVALID_PARAMETER`, and as `loadRepositoryFormat`.
 */
export async function changeFormat(
  storage: BlobStorage,
  secret: string | FormatSecret,
  change: FormatChange,
  random: RandomBytes = systemRandom,
): Promise<RepositoryFormat> {
  const { password, formatKey: known } = typeof secret === "string" ? { password: secret } : secret;
  const opened = await loadOpenedFormat(storage, password, known);
  checkFormat(opened.format, {});
  const { blobRetention = opened.format.blobRetention, ...parameters } = change;
  const content = { ...opened.format.content, ...parameters };
  if (content.indexVersion < opened.format.content.indexVersion) {
    throw new KopiaError(
      "FORMAT_INVALID_PARAMETER",
      `indexVersion may only be raised, from ${opened.format.content.indexVersion}`,
    );
  }
  validateMutableParameters(content);
  validateBlobRetention(blobRetention);
  const { formatKey } = opened.format;
  return writeFormatBlobs(storage, random, { ...opened, formatKey, content, blobRetention });
}
