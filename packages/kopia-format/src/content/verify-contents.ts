import { bytesEqual } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import type { RandomBytes } from "../base/random.ts";
import type { BlobId, BlobStorage } from "../blob/storage.ts";
import type { HashFunction } from "../hashing/hash-function.ts";
import { describeEntry } from "./content-codec.ts";
import type { ContentEntry, ContentId, ContentIdRange } from "./content-entry.ts";
import { contentIdToKey } from "./content-id.ts";
import type { ContentReader } from "./content-store.ts";
import type { IndexReader } from "./index/index-reader.ts";

/** Which contents are verified, and how deeply (spec 3 §3.1). */
export interface VerifyContentsOptions {
  /** Default: all. */
  readonly range?: ContentIdRange;
  readonly includeDeleted?: boolean;
  /** Probability, 0 to 100, that a content is also read, decrypted and decompressed. Default 0. */
  readonly readPercent?: number;
  /** For the choice of contents to read. */
  readonly random: RandomBytes;
  /** When given, contents that are read are hashed too and compared with their ID. */
  readonly hash?: HashFunction;
  readonly signal?: AbortSignal;
  /** Once, when the storage has been listed. */
  readonly onBlobsListed?: (blobCount: number) => void;
  /** Called for each problem, in no promised order. */
  readonly onProblem?: (problem: ContentProblem) => void;
  /** Called about every thousand contents, and at the end. */
  readonly onProgress?: (progress: {
    readonly contentCount: number;
    readonly readBytes: number;
  }) => void;
}

/** What is wrong with one content. */
export interface ContentProblem {
  readonly kind: "missing-pack" | "truncated-pack" | "unreadable";
  readonly entry: ContentEntry;
  readonly error: KopiaError;
}

/** Counts of a verification. */
export interface ContentVerification {
  readonly contentCount: number;
  readonly readCount: number;
  /** Bytes of the contents that could be read. */
  readonly readBytes: number;
  /** Packs that the verified contents lie in, missing ones included. */
  readonly packCount: number;
  readonly missingPackContents: number;
  readonly truncatedPackContents: number;
  readonly unreadableContents: number;
  readonly missingPacks: readonly BlobId[];
  readonly truncatedPacks: readonly BlobId[];
  readonly unreadablePacks: readonly BlobId[];
  /** Bad contents of each pack that has some, whatever their kind. */
  readonly badContentsByPack: ReadonlyMap<BlobId, number>;
  /** All three kinds of bad contents together; 0 is healthy. */
  readonly errorCount: number;
}

/** Contents read together: enough to find neighbours, few enough to keep memory flat. */
const BATCH_CONTENTS = 1000;

/**
 * Checks that every content's pack exists and is long enough, and reads some or all of them (spec 1
 * §9.6, spec 3 §3.1). Problems are counted, never thrown.
 * @throws KopiaError storage errors of the blob listing; the signal's reason.
 */
export async function verifyContents(
  contents: ContentReader,
  storage: BlobStorage,
  options: VerifyContentsOptions,
): Promise<ContentVerification> {
  const packLengths = new Map<BlobId, number>();
  for await (const blob of storage.list("")) packLengths.set(blob.id, blob.lengthBytes);
  options.onBlobsListed?.(packLengths.size);
  const verification = new Verification(contents, packLengths, options);
  const { range, includeDeleted = false } = options;
  const query = range === undefined ? { includeDeleted } : { range, includeDeleted };
  if (!verification.readsContents && contents.visitContents !== undefined) {
    // A million entries are compared with the listing without an object for each.
    contents.visitContents((reader, position) => verification.lookAt(reader, position), query);
  } else {
    for (const entry of contents.contents(query)) {
      options.signal?.throwIfAborted();
      verification.look(entry);
      if (verification.isBatchFull) await verification.endBatch();
    }
  }
  await verification.endBatch();
  return verification.result();
}

/** Tallies of a verification under way. */
class Verification {
  readonly #contents: ContentReader;
  readonly #packLengths: ReadonlyMap<BlobId, number>;
  readonly #options: VerifyContentsOptions;
  readonly #readPercent: number;
  readonly #packs = new Set<BlobId>();
  readonly #bad: Readonly<Record<ContentProblem["kind"], { count: number; packs: Set<BlobId> }>> = {
    "missing-pack": { count: 0, packs: new Set() },
    "truncated-pack": { count: 0, packs: new Set() },
    unreadable: { count: 0, packs: new Set() },
  };
  readonly #badByPack = new Map<BlobId, number>();
  #toRead = new Map<ContentId, ContentEntry>();
  #sinceBatch = 0;
  #contentCount = 0;
  #readCount = 0;
  #readBytes = 0;

  constructor(
    contents: ContentReader,
    packLengths: ReadonlyMap<BlobId, number>,
    options: VerifyContentsOptions,
  ) {
    this.#contents = contents;
    this.#packLengths = packLengths;
    this.#options = options;
    this.#readPercent = options.readPercent ?? 0;
  }

  get readsContents(): boolean {
    return this.#readPercent > 0;
  }

  get isBatchFull(): boolean {
    return this.#sinceBatch >= BATCH_CONTENTS;
  }

  /** Checks an entry against the listing. */
  lookAt(reader: IndexReader, position: number): void {
    const packBlobId = reader.packBlobIdAt(position);
    const packLength = this.#packLengths.get(packBlobId);
    const isInside =
      packLength !== undefined &&
      reader.packOffsetAt(position) + reader.packedLengthAt(position) <= packLength;
    if (!isInside) {
      this.look(reader.entryAt(position));
      return;
    }
    this.#contentCount++;
    this.#packs.add(packBlobId);
  }

  /** Checks an entry against the listing and chooses whether to read it. */
  look(entry: ContentEntry): void {
    this.#contentCount++;
    this.#sinceBatch++;
    this.#packs.add(entry.packBlobId);
    const packLength = this.#packLengths.get(entry.packBlobId);
    if (packLength === undefined) {
      const message = `${describeEntry(entry)}: the pack is missing`;
      this.#report("missing-pack", entry, new KopiaError("BLOB_NOT_FOUND", message));
    } else if (entry.packOffset + entry.packedLength > packLength) {
      const message = `${describeEntry(entry)}: the pack has only ${packLength} bytes`;
      this.#report("truncated-pack", entry, new KopiaError("STORAGE_RANGE", message));
    } else if (this.#isChosen()) {
      this.#toRead.set(entry.contentId, entry);
    }
  }

  /** Reads what was chosen since the last batch. */
  async endBatch(): Promise<void> {
    const chosen = this.#toRead;
    this.#toRead = new Map();
    this.#sinceBatch = 0;
    for await (const { contentId, data, error } of this.#contents.getContents(chosen.keys())) {
      this.#options.signal?.throwIfAborted();
      const entry = chosen.get(contentId) as ContentEntry;
      const problem = error ?? this.#hashProblem(entry, data);
      this.#readCount++;
      if (problem !== undefined) this.#report("unreadable", entry, problem);
      else this.#readBytes += (data as Uint8Array).length;
    }
    this.#options.onProgress?.({
      contentCount: this.#contentCount,
      readBytes: this.#readBytes,
    });
  }

  result(): ContentVerification {
    const { "missing-pack": missing, "truncated-pack": truncated, unreadable } = this.#bad;
    return {
      contentCount: this.#contentCount,
      readCount: this.#readCount,
      readBytes: this.#readBytes,
      packCount: this.#packs.size,
      missingPackContents: missing.count,
      truncatedPackContents: truncated.count,
      unreadableContents: unreadable.count,
      missingPacks: [...missing.packs].sort(),
      truncatedPacks: [...truncated.packs].sort(),
      unreadablePacks: [...unreadable.packs].sort(),
      badContentsByPack: this.#badByPack,
      errorCount: missing.count + truncated.count + unreadable.count,
    };
  }

  #isChosen(): boolean {
    const percent = this.#readPercent;
    if (percent <= 0 || percent >= 100) return percent > 0;
    const random = new DataView(this.#options.random(4).buffer).getUint32(0);
    return (100 * random) / 2 ** 32 < percent;
  }

  #hashProblem(entry: ContentEntry, data: Uint8Array): KopiaError | undefined {
    const { hash } = this.#options;
    if (hash === undefined) return undefined;
    const expected = contentIdToKey(entry.contentId).subarray(1);
    if (bytesEqual(hash.hash(data), expected)) return undefined;
    const message = `${describeEntry(entry)}: its bytes do not have the hash in its ID`;
    return new KopiaError("CONTENT_CORRUPT", message);
  }

  #report(kind: ContentProblem["kind"], entry: ContentEntry, error: KopiaError): void {
    const tally = this.#bad[kind];
    tally.count++;
    tally.packs.add(entry.packBlobId);
    const { packBlobId } = entry;
    this.#badByPack.set(packBlobId, (this.#badByPack.get(packBlobId) ?? 0) + 1);
    this.#options.onProblem?.({ kind, entry, error });
  }
}
