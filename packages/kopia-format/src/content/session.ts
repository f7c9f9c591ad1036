import { toHex, utf8Encode } from "../base/bytes.ts";
import { NS_PER_SECOND, type TimeNs } from "../base/clock.ts";
import { isKopiaError } from "../base/errors.ts";
import { goStringify } from "../base/go-json.ts";
import { formatGoTime, parseGoTime } from "../base/go-time.ts";
import { asObject, asString, field } from "../base/json-fields.ts";
import { parseJson } from "../base/json-parse.ts";
import type { JsonObject } from "../base/json-value.ts";
import type { RandomBytes } from "../base/random.ts";
import type { BlobId, BlobStorage } from "../blob/storage.ts";
import {
  decryptBlob,
  encryptBlob,
  type BlobCrypto,
  type EncryptedBlob,
} from "./index-blob/blob-crypto.ts";

/** A session marker (spec 1 §9.2): its packs are kept while it is there and younger than 96 h. */
export interface SessionMarker {
  readonly id: string;
  readonly startTime: TimeNs;
  readonly checkpointTime: TimeNs;
  readonly username: string;
  readonly hostname: string;
}

/** A marker as found in storage; a session may have several. */
export interface StoredSessionMarker {
  readonly blobId: BlobId;
  readonly timestamp: TimeNs;
  readonly lengthBytes: number;
  readonly marker: SessionMarker;
}

/** Prefix of session marker blobs (spec 1 §1.6). */
export const SESSION_BLOB_PREFIX = "s";
const SESSION_RANDOM_BYTES = 8;
/** 2000-01-01T00:00:00Z, from which sessions are numbered (spec 1 §14). */
const SESSION_EPOCH_NS: TimeNs = 946_684_800n * NS_PER_SECOND;
const SESSION_UNIT_NS: TimeNs = 30n * 86_400n * NS_PER_SECOND;

/** New session ID: `s`, 8 random bytes in hex, months of 30 days since 2000 in hex (spec 1 §9.2). */
export function newSessionId(random: RandomBytes, now: TimeNs): string {
  const sinceEpochNs = now > SESSION_EPOCH_NS ? now - SESSION_EPOCH_NS : 0n;
  return `s${toHex(random(SESSION_RANDOM_BYTES))}${(sinceEpochNs / SESSION_UNIT_NS).toString(16)}`;
}

/**
 * Session of a pack, index or marker blob: the first part after a `-` that starts with `s`;
 * `undefined` when there is none, as in old packs.
 */
export function sessionIdOfBlob(blobId: BlobId): string | undefined {
  return blobId
    .split("-")
    .slice(1)
    .find((part) => part.startsWith("s"));
}

/** The marker as it is stored: whole-blob encryption, prefix `s`, the session as suffix (spec 1 §9.2). */
export function encodeSessionMarker(crypto: BlobCrypto, marker: SessionMarker): EncryptedBlob {
  const document = goStringify({
    id: marker.id,
    startTime: formatGoTime(marker.startTime),
    checkpointTime: formatGoTime(marker.checkpointTime),
    username: marker.username,
    hostname: marker.hostname,
  });
  return encryptBlob(
    crypto,
    { prefix: SESSION_BLOB_PREFIX, suffix: marker.id },
    utf8Encode(document),
  );
}

/**
 * Reverse of `encodeSessionMarker`.
 * @throws KopiaError `CONTENT_CORRUPT` when the blob does not decrypt, `JSON_INVALID`, naming it.
 */
export function decodeSessionMarker(
  crypto: BlobCrypto,
  blob: { readonly id: BlobId; readonly data: Uint8Array },
): SessionMarker {
  const where = `session marker ${blob.id}`;
  const document = asObject(
    parseJson(decryptBlob(crypto, blob, "CONTENT_CORRUPT"), { where }),
    where,
  );
  return {
    id: asString(field(document, "id"), `${where}, id`),
    startTime: timeField(document, "startTime", where),
    checkpointTime: timeField(document, "checkpointTime", where),
    username: asString(field(document, "username") ?? "", `${where}, username`),
    hostname: asString(field(document, "hostname") ?? "", `${where}, hostname`),
  };
}

/**
 * All session markers in storage. Markers that vanish meanwhile are left out.
 * @throws KopiaError `JSON_INVALID` or `CONTENT_CORRUPT` naming a marker that cannot be read.
 */
export async function listSessionMarkers(
  storage: BlobStorage,
  crypto: BlobCrypto,
): Promise<StoredSessionMarker[]> {
  const markers: StoredSessionMarker[] = [];
  for await (const blob of storage.list(SESSION_BLOB_PREFIX)) {
    const data = await storage.get(blob.id).catch((error: unknown) => {
      if (isKopiaError(error, "BLOB_NOT_FOUND")) return undefined;
      throw error;
    });
    if (data === undefined) continue;
    markers.push({
      blobId: blob.id,
      timestamp: blob.timestamp,
      lengthBytes: blob.lengthBytes,
      marker: decodeSessionMarker(crypto, { id: blob.id, data }),
    });
  }
  return markers;
}

function timeField(document: JsonObject, name: string, where: string): TimeNs {
  return parseGoTime(asString(field(document, name), `${where}, ${name}`), `${where}, ${name}`);
}
