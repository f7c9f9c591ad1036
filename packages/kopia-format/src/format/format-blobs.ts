import type { Bytes } from "../base/bytes.ts";
import { KopiaError, isKopiaError } from "../base/errors.ts";
import type { JsonObject } from "../base/json-value.ts";
import type { BlobStorage } from "../blob/storage.ts";
import { BLOB_CONFIG_ID, decodeBlobConfig } from "./blob-config.ts";
import {
  FORMAT_BLOB_ID,
  decodeFormatBlob,
  openContentFormat,
  type FormatDocument,
} from "./format-blob.ts";
import type { BlobRetention, RepositoryFormat } from "./repository-format.ts";
import { formatBoxKey, openBox } from "./sealed-box.ts";

/** The two format blobs as read, still locked. */
export interface LockedFormat {
  readonly document: FormatDocument;
  /** Exact bytes of `kopia.repository`. */
  readonly formatBlob: Bytes;
  /** Bytes of `kopia.blobcfg`; `undefined` when there is none, which means "no settings" (spec 1 §2.5). */
  readonly blobConfig: Bytes | undefined;
}

/** An opened format, with the documents that a rewrite must keep. */
export interface OpenedFormat {
  readonly format: RepositoryFormat;
  readonly document: FormatDocument;
  /** Document of the encrypted part. */
  readonly contentSource: JsonObject;
}

/**
 * Reads both format blobs.
 * @throws KopiaError `REPOSITORY_NOT_FOUND`, `FORMAT_CORRUPT`, `ALGORITHM_UNKNOWN`, and storage errors.
 */
export async function readFormatBlobs(storage: BlobStorage): Promise<LockedFormat> {
  const formatBlob = await getIfPresent(storage, FORMAT_BLOB_ID);
  if (formatBlob === undefined) throw await repositoryNotFound(storage);
  const document = decodeFormatBlob(formatBlob);
  return { document, formatBlob, blobConfig: await getIfPresent(storage, BLOB_CONFIG_ID) };
}

/**
 * Opens both format blobs with the key that the password gives.
 * @throws KopiaError `INVALID_PASSWORD` when neither opens, `FORMAT_CORRUPT` when one does and the other not.
 */
export function openFormatBlobs(locked: LockedFormat, formatKey: Bytes): OpenedFormat {
  const { document, formatBlob, blobConfig } = locked;
  const decoded = openContentFormat(document, formatKey);
  const blobRetention = openBlobConfig(locked, formatKey);
  if (decoded === undefined) {
    // The settings blob has the same key, so it tells a wrong password from damaged bytes.
    const keyFits = blobConfig !== undefined && blobRetention !== undefined;
    throw keyFits ? damaged(FORMAT_BLOB_ID, BLOB_CONFIG_ID) : invalidPassword();
  }
  if (blobRetention === undefined) throw damaged(BLOB_CONFIG_ID, FORMAT_BLOB_ID);
  return {
    document,
    contentSource: decoded.source,
    format: {
      uniqueId: document.uniqueId,
      keyAlgorithm: document.keyAlgorithm,
      formatKey,
      content: decoded.content,
      blobRetention,
      formatBlob,
    },
  };
}

/** A blob's bytes, or `undefined` when there is none. */
export async function getIfPresent(storage: BlobStorage, id: string): Promise<Bytes | undefined> {
  try {
    return await storage.get(id);
  } catch (error) {
    if (isKopiaError(error, "BLOB_NOT_FOUND")) return undefined;
    throw error;
  }
}

function openBlobConfig(locked: LockedFormat, formatKey: Bytes): BlobRetention | undefined {
  if (locked.blobConfig === undefined) return {};
  const boxKey = formatBoxKey(formatKey, locked.document.uniqueId);
  const plaintext = openBox(boxKey, locked.blobConfig);
  return plaintext === undefined ? undefined : decodeBlobConfig(plaintext);
}

function invalidPassword(): KopiaError {
  return new KopiaError("INVALID_PASSWORD", "the password does not open this repository");
}

function damaged(blobId: string, otherBlobId: string): KopiaError {
  return new KopiaError(
    "FORMAT_CORRUPT",
    `${blobId} cannot be decrypted although the password opens ${otherBlobId}: it is damaged, or a password change was interrupted (then the other password may open it)`,
    { details: { blobId } },
  );
}

async function repositoryNotFound(storage: BlobStorage): Promise<KopiaError> {
  const place = storage.displayName;
  const message = (await holdsPacks(storage))
    ? `${place} holds packs but no ${FORMAT_BLOB_ID}: the format blob of the repository is lost; restore it from a copy`
    : `${place} holds no repository: there is no ${FORMAT_BLOB_ID}`;
  return new KopiaError("REPOSITORY_NOT_FOUND", message, { details: { storage: place } });
}

async function holdsPacks(storage: BlobStorage): Promise<boolean> {
  for (const prefix of ["q", "p"]) {
    for await (const blob of storage.list(prefix)) {
      if (/^[pq][0-9a-f]{32}/.test(blob.id)) return true;
    }
  }
  return false;
}
