import { utf8Encode, type Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import { goMarshalIndent } from "../base/go-json.ts";
import type { JsonObject } from "../base/json-value.ts";
import type { RandomBytes } from "../base/random.ts";
import { encodeBase64 } from "./base64.ts";
import {
  decodeContentFormat,
  encodeContentFormat,
  type DecodedContentFormat,
} from "./content-format-json.ts";
import { decodeJsonDocument, FieldReader } from "./json-document.ts";
import type { ContentFormat } from "./repository-format.ts";
import { SEALED_OVERHEAD_BYTES, formatBoxKey, openBox, sealBox } from "./sealed-box.ts";

/** Blob ID of the format blob. */
export const FORMAT_BLOB_ID = "kopia.repository";
/** The only encryption of the format blob that can be read (spec 1 §2.1). */
export const FORMAT_ENCRYPTION = "AES256_GCM";

const FIELDS: ReadonlySet<string> = new Set([
  "tool",
  "buildVersion",
  "buildInfo",
  "uniqueID",
  "keyAlgo",
  "encryption",
  "encryptedBlockFormat",
]);

/** `kopia.repository` as stored: what can be read without the password (spec 1 §2.1). */
export interface FormatDocument {
  readonly tool: string;
  readonly buildVersion: string;
  readonly buildInfo: string;
  readonly uniqueId: Bytes;
  readonly keyAlgorithm: string;
  readonly encryption: string;
  readonly encryptedFormat: Bytes;
  /** The document as read: members that this program does not know are kept when it is written again. */
  readonly source: JsonObject;
}

/**
 * Decodes `kopia.repository`.
 * @throws KopiaError `FORMAT_CORRUPT` when it is empty, cut off, or not such a document;
 *   `ALGORITHM_UNKNOWN` for another encryption.
 */
export function decodeFormatBlob(bytes: Uint8Array): FormatDocument {
  if (bytes.length === 0) throw corrupt("it is empty");
  const options = { where: FORMAT_BLOB_ID, corruptCode: "FORMAT_CORRUPT" } as const;
  const document = decodeJsonDocument(bytes, options, (fields) => ({
    tool: fields.string("tool"),
    buildVersion: fields.string("buildVersion"),
    buildInfo: fields.string("buildInfo"),
    uniqueId: fields.bytes("uniqueID"),
    keyAlgorithm: fields.string("keyAlgo"),
    encryption: fields.string("encryption"),
    encryptedFormat: fields.bytes("encryptedBlockFormat"),
    source: fields.object,
  }));
  if (document.encryption !== FORMAT_ENCRYPTION) {
    throw new KopiaError(
      "ALGORITHM_UNKNOWN",
      `${FORMAT_BLOB_ID}: unknown format encryption ${JSON.stringify(document.encryption)}; known is ${FORMAT_ENCRYPTION}`,
      { details: { algorithm: document.encryption } },
    );
  }
  if (document.encryptedFormat.length <= SEALED_OVERHEAD_BYTES) {
    throw corrupt(
      `its encrypted part has ${document.encryptedFormat.length} bytes, expected more than ${SEALED_OVERHEAD_BYTES}`,
    );
  }
  return document;
}

/** Bytes of `kopia.repository`: indented JSON with a newline at the end. */
export function encodeFormatBlob(document: FormatDocument): Bytes {
  const json = goMarshalIndent({
    tool: document.tool,
    buildVersion: document.buildVersion,
    buildInfo: document.buildInfo,
    uniqueID: encodeBase64(document.uniqueId),
    keyAlgo: document.keyAlgorithm,
    encryption: document.encryption,
    encryptedBlockFormat: encodeBase64(document.encryptedFormat) || undefined,
    ...new FieldReader(document.source, FORMAT_BLOB_ID).unknownFields(FIELDS),
  });
  return utf8Encode(`${json}\n`);
}

/**
 * Decrypts and decodes the encrypted part; `undefined` when the key does not fit.
 * @throws KopiaError `FORMAT_CORRUPT` when it decrypts to something else.
 */
export function openContentFormat(
  document: FormatDocument,
  formatKey: Uint8Array,
): DecodedContentFormat | undefined {
  const plaintext = openBox(formatBoxKey(formatKey, document.uniqueId), document.encryptedFormat);
  return plaintext === undefined ? undefined : decodeContentFormat(plaintext);
}

/** What the encrypted part is made of. */
export interface SealContentFormatInput {
  readonly formatKey: Uint8Array;
  readonly uniqueId: Uint8Array;
  readonly content: ContentFormat;
  /** Document whose unknown members are kept. */
  readonly source?: JsonObject;
}

/** Encrypts a content format with a fresh nonce (spec 1 §2.3). */
export function sealContentFormat(input: SealContentFormatInput, random: RandomBytes): Bytes {
  const plaintext = encodeContentFormat(input.content, input.source);
  return sealBox(formatBoxKey(input.formatKey, input.uniqueId), plaintext, random);
}

function corrupt(problem: string): KopiaError {
  return new KopiaError("FORMAT_CORRUPT", `${FORMAT_BLOB_ID} is damaged: ${problem}`, {
    details: { blobId: FORMAT_BLOB_ID },
  });
}
