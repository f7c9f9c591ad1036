import type { Bytes } from "../base/bytes.ts";
import type { JsonObject } from "../base/json-value.ts";
import type { RandomBytes } from "../base/random.ts";
import type { BlobStorage } from "../blob/storage.ts";
import { BLOB_CONFIG_ID, encodeBlobConfig } from "./blob-config.ts";
import {
  FORMAT_BLOB_ID,
  decodeFormatBlob,
  encodeFormatBlob,
  sealContentFormat,
  type FormatDocument,
} from "./format-blob.ts";
import { openFormatBlobs } from "./format-blobs.ts";
import type { BlobRetention, ContentFormat, RepositoryFormat } from "./repository-format.ts";
import { formatBoxKey, sealBox } from "./sealed-box.ts";

/** What the format blobs are to say. */
export interface FormatToWrite {
  readonly formatKey: Bytes;
  readonly document: Omit<FormatDocument, "encryptedFormat">;
  readonly content: ContentFormat;
  /** Document of the encrypted part whose unknown members are kept. */
  readonly contentSource: JsonObject;
  readonly blobRetention: BlobRetention;
  /** The key is another one than that of the blobs in storage. */
  readonly replacesKey?: boolean;
}

/**
 * Puts both format blobs under one key, `kopia.blobcfg` first (spec 1 §2.10, §2.11) unless the key changes,
 * after opening again what is about to be stored.
 */
export async function writeFormatBlobs(
  storage: BlobStorage,
  random: RandomBytes,
  toWrite: FormatToWrite,
): Promise<RepositoryFormat> {
  const { formatKey, content, contentSource } = toWrite;
  const { uniqueId } = toWrite.document;
  const boxKey = formatBoxKey(formatKey, uniqueId);
  const blobConfig = sealBox(boxKey, encodeBlobConfig(toWrite.blobRetention), random);
  const sealed = { formatKey, uniqueId, content, source: contentSource };
  const encryptedFormat = sealContentFormat(sealed, random);
  const formatBlob = encodeFormatBlob({ ...toWrite.document, encryptedFormat });
  const readBack = { document: decodeFormatBlob(formatBlob), formatBlob, blobConfig };
  const { format } = openFormatBlobs(readBack, formatKey);
  if (toWrite.replacesKey === true && Object.keys(toWrite.blobRetention).length === 0) {
    // Blobs under two keys open with no password at all. Settings without content may be absent meanwhile
    // (spec 1 "Additions" §2.5), so that a client killed anywhere leaves what the old or the new one opens.
    await storage.delete(BLOB_CONFIG_ID);
    await storage.put(FORMAT_BLOB_ID, formatBlob);
    await storage.put(BLOB_CONFIG_ID, blobConfig);
    return format;
  }
  await storage.put(BLOB_CONFIG_ID, blobConfig);
  await storage.put(FORMAT_BLOB_ID, formatBlob);
  return format;
}
