import type {
  BlobCrypto,
  BlobId,
  BlobStorage,
  Clock,
  ContentId,
  RandomBytes,
  Repository,
} from "@kopia-engine/kopia-format";
import type { FindingCode } from "./finding-codes.ts";
import type { BlobSurvey } from "./survey-blobs.ts";

/** An opened repository under examination, and what earlier checks found out for later ones. */
export interface Examination {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (message: string) => void;
  readonly survey: BlobSurvey;
  /** With obstacles out of the way, in memory. */
  readonly storage: BlobStorage;
  readonly repository: Repository;
  readonly crypto: BlobCrypto;
  /** Index blobs that cannot be read, with the reason. */
  readonly damagedIndexBlobs: ReadonlyMap<BlobId, string>;
  /** Parts of the work that cannot be done. */
  readonly incomplete: { readonly check: string; readonly reason: string }[];
  /** What a recovery of the index from the packs would bring back, and the packs where that lies. */
  recoverable: { readonly contentCount: number; readonly packs: ReadonlySet<BlobId> };
  /** The repository as it would be after that recovery; the same one when nothing is to be recovered. */
  recoveredRepository: Repository;
  /** Use of each pack by visible index entries. */
  packUse: ReadonlyMap<BlobId, PackUse>;
  /** Contents that could not be read, with the reason. */
  readonly unreadable: Map<ContentId, string>;
  /** Contents that were read. */
  readonly reading: {
    contentCount: number;
    readCount: number;
    readBytes: number;
    isSample: boolean;
  };
}

/** What visible index entries say about one pack. */
export interface PackUse {
  contentCount: number;
  packedBytes: number;
  /** Where its last content ends. */
  endOffset: number;
  /** Newest entry that is not deleted, in Unix seconds. */
  newestSeconds: number;
  /** Contents that hold manifests. */
  manifestCount: number;
}

/** Why a content cannot be read now. */
export type ContentTrouble = Extract<
  FindingCode,
  | "index-missing"
  | "index-blob-damaged"
  | "index-entries-lost"
  | "pack-missing"
  | "pack-truncated"
  | "content-damaged"
  | "content-lost"
  | "content-forgotten"
>;

/** The finding under which missing index entries are reported: the most evident cause. */
export function indexTrouble(
  examination: Examination,
): "index-missing" | "index-blob-damaged" | "index-entries-lost" {
  const { repository, survey, damagedIndexBlobs } = examination;
  if (repository.contents.indexBlobs().length === 0 && survey.packs.size > 0) {
    return "index-missing";
  }
  return damagedIndexBlobs.size > 0 ? "index-blob-damaged" : "index-entries-lost";
}

/** What is wrong with a content; `undefined` when it can be read. */
export function troubleOf(
  examination: Examination,
  contentId: ContentId,
): ContentTrouble | undefined {
  const { repository, recoveredRepository, survey, unreadable } = examination;
  const entry = repository.contents.getContentInfo(contentId);
  if (entry === undefined) {
    if (repository.contents.hasStoredEntry(contentId)) return "content-forgotten";
    const isRecoverable = recoveredRepository.contents.hasStoredEntry(contentId);
    return isRecoverable ? indexTrouble(examination) : "content-lost";
  }
  const pack = survey.packs.get(entry.packBlobId);
  if (pack === undefined) return "pack-missing";
  if (entry.packOffset + entry.packedLength > pack.lengthBytes) return "pack-truncated";
  return unreadable.has(contentId) ? "content-damaged" : undefined;
}
