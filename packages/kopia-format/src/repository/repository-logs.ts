import { gunzipSync } from "node:zlib";
import { utf8Decode } from "../base/bytes.ts";
import { KopiaError, errorMessage } from "../base/errors.ts";
import type { TimeNs } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import type { BlobMetadata, BlobStorage } from "../blob/storage.ts";
import { readEncryptedBlob, type BlobCrypto } from "../content/index-blob/blob-crypto.ts";
import type { RepositoryFormat } from "../format/repository-format.ts";
import { createHashFunction } from "../hashing/registry.ts";
import { createContentEncryptor } from "./content-encryptor.ts";
import { LOG_BLOB_PREFIX } from "./diagnostic-log.ts";

/** Parts of a log blob's name, split at `_`; others are ignored (spec 3 §4). */
const NAME_PARTS = 8;
/** Kopia's segments hold at most 4 MiB of gzip. */
const MAX_SEGMENT_BYTES = 1 << 28;

/** What one client logged between opening and closing the repository. */
export interface LogSession {
  /** `yyyyMMddHHmmss_hhhh`. */
  readonly id: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly totalBytes: number;
  /** In order. */
  readonly segments: readonly BlobMetadata[];
}

/**
 * All log sessions of a repository, in the order in which the storage got them: times in names are whole
 * seconds, and several sessions may fit into one.
 */
export async function listLogSessions(storage: BlobStorage): Promise<readonly LogSession[]> {
  const sessions = new Map<string, { chunk: number; blob: BlobMetadata; times: Times }[]>();
  for await (const blob of storage.list(LOG_BLOB_PREFIX)) {
    const name = parseName(blob.id);
    if (name === undefined) continue;
    const segment = { chunk: name.chunk, blob, times: name };
    const known = sessions.get(name.session);
    if (known === undefined) sessions.set(name.session, [segment]);
    else known.push(segment);
  }
  return [...sessions]
    .map(([id, segments]): { readonly arrived: TimeNs; readonly session: LogSession } => {
      segments.sort((a, b) => a.chunk - b.chunk);
      const arrived = segments.reduce(
        (first, { blob }) => (blob.timestamp < first ? blob.timestamp : first),
        segments[0]?.blob.timestamp ?? 0n,
      );
      const session = {
        id,
        startSeconds: Math.min(...segments.map(({ times }) => times.startSeconds)),
        endSeconds: Math.max(...segments.map(({ times }) => times.endSeconds)),
        totalBytes: segments.reduce((sum, { blob }) => sum + blob.lengthBytes, 0),
        segments: segments.map(({ blob }) => blob),
      };
      return { arrived, session };
    })
    .sort((a, b) => Number(a.arrived - b.arrived) || (a.session.id < b.session.id ? -1 : 1))
    .map(({ session }) => session);
}

/**
 * The text of a log session, segment by segment.
 * @throws KopiaError `BLOB_NOT_FOUND`, `CONTENT_CORRUPT` for a segment that was changed.
 */
export async function* readLogSession(
  repository: { readonly storage: BlobStorage; readonly format: RepositoryFormat },
  session: LogSession,
): AsyncGenerator<string> {
  const { content } = repository.format;
  const crypto: BlobCrypto = {
    hash: await createHashFunction(content.hash, content.secret),
    encryptor: createContentEncryptor(content, systemRandom),
  };
  for (const { id } of session.segments) {
    const packed = await readEncryptedBlob(repository.storage, crypto, id, "CONTENT_CORRUPT");
    yield unpack(id, packed);
  }
}

interface Times {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

function parseName(
  id: string,
): (Times & { readonly session: string; readonly chunk: number }) | undefined {
  const parts = id.split("_");
  if (parts.length < NAME_PARTS) return undefined;
  const [, , time, random, start, end, chunk] = parts;
  const numbers = { startSeconds: Number(start), endSeconds: Number(end), chunk: Number(chunk) };
  if (!Object.values(numbers).every(Number.isSafeInteger)) return undefined;
  return { session: `${time}_${random}`, ...numbers };
}

function unpack(id: string, packed: Uint8Array): string {
  try {
    return utf8Decode(gunzipSync(packed, { maxOutputLength: MAX_SEGMENT_BYTES }));
  } catch (cause) {
    throw new KopiaError("CONTENT_CORRUPT", `log ${id} is not gzip: ${errorMessage(cause)}`, {
      details: { blobId: id },
      cause,
    });
  }
}
