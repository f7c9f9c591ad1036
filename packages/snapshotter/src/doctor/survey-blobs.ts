import type { BlobId, BlobMetadata, TimeNs } from "@kopia-engine/kopia-format";

/** A pack in storage. */
export interface StoredPack {
  readonly lengthBytes: number;
  readonly timestamp: TimeNs;
}

/** One look at all blobs. */
export interface BlobSurvey {
  readonly blobCount: number;
  readonly totalBytes: number;
  readonly packs: ReadonlyMap<BlobId, StoredPack>;
  readonly packBytes: number;
  /** Index blobs and their kin: `x…`, and `n…`, `m…`, `l…` of the older scheme. */
  readonly indexBlobs: readonly BlobMetadata[];
  readonly sessionBlobs: readonly BlobMetadata[];
  /** Repository logs, newest first. */
  readonly logBlobs: readonly BlobMetadata[];
  /** `kopia.…`. */
  readonly namedBlobs: readonly BlobMetadata[];
  /** Blobs whose names no version of Kopia gives. */
  readonly strangeBlobs: readonly BlobMetadata[];
  /** Blobs dated after now. */
  readonly futureBlobs: readonly BlobMetadata[];
}

const PACK = /^[pq][0-9a-f]{32}(?:-s[0-9a-f]+)?$/;
const INDEX = /^(?:x[nserw]|[nml][0-9a-f])/;
const SESSION = /^s/;
const LOG = /^_log_/;
const NAMED = /^kopia\./;
/** Kinds of blobs that a repository has (spec 1 §1.6), and those of `repository validate-provider`. */
const KINDS = [PACK, INDEX, SESSION, LOG, NAMED, /^z[0-9a-f-]+/];

/** Whether some version of Kopia gives such a name. */
export function isKnownBlobId(id: BlobId): boolean {
  return KINDS.some((kind) => kind.test(id));
}

/** Margins of maintenance allow for so much. */
const MAX_SKEW_NS = 300_000_000_000n;

/**
 * Sorts one listing of the whole storage. The listing comes before every look at the index: whatever a writer finishes
 * meanwhile is in the index then.
 * @throws KopiaError storage errors.
 */
export async function surveyBlobs(
  blobs: AsyncIterable<BlobMetadata> | Iterable<BlobMetadata>,
  now: TimeNs,
): Promise<BlobSurvey> {
  const packs = new Map<BlobId, StoredPack>();
  const indexBlobs: BlobMetadata[] = [];
  const sessionBlobs: BlobMetadata[] = [];
  const logBlobs: BlobMetadata[] = [];
  const namedBlobs: BlobMetadata[] = [];
  const strangeBlobs: BlobMetadata[] = [];
  const futureBlobs: BlobMetadata[] = [];
  let blobCount = 0;
  let totalBytes = 0;
  let packBytes = 0;
  for await (const blob of blobs) {
    const { id, lengthBytes, timestamp } = blob;
    blobCount++;
    totalBytes += lengthBytes;
    if (timestamp > now + MAX_SKEW_NS) futureBlobs.push(blob);
    if (PACK.test(id)) {
      packs.set(id, { lengthBytes, timestamp });
      packBytes += lengthBytes;
    } else if (INDEX.test(id)) indexBlobs.push(blob);
    else if (SESSION.test(id)) sessionBlobs.push(blob);
    else if (LOG.test(id)) logBlobs.push(blob);
    else if (NAMED.test(id)) namedBlobs.push(blob);
    else if (!isKnownBlobId(id)) strangeBlobs.push(blob);
  }
  logBlobs.sort((a, b) => (a.timestamp < b.timestamp ? 1 : -1));
  return {
    blobCount,
    totalBytes,
    packs,
    packBytes,
    indexBlobs,
    sessionBlobs,
    logBlobs,
    namedBlobs,
    strangeBlobs,
    futureBlobs,
  };
}
