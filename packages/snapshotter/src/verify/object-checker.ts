import {
  KopiaError,
  type BlobId,
  type BlobStorage,
  type ContentId,
  type ContentReader,
  type ObjectId,
  type ObjectStore,
} from "@kopia-engine/kopia-format";
import { DIRECT_OBJECT_ID } from "../model/direct-object-id.ts";

/** What an `ObjectChecker` works with. */
export interface CheckedRepository {
  readonly objects: ObjectStore;
  readonly contents: ContentReader;
  readonly storage: BlobStorage;
}

/** Checks that objects are backed by contents, and these by packs that exist (spec 3 §3.2). */
export class ObjectChecker {
  readonly #repository: CheckedRepository;
  readonly #blobLengths = new Map<BlobId, number>();

  private constructor(repository: CheckedRepository) {
    this.#repository = repository;
  }

  /** Lists the storage. @throws KopiaError storage errors. */
  static async create(repository: CheckedRepository): Promise<ObjectChecker> {
    const checker = new ObjectChecker(repository);
    for await (const { id, lengthBytes } of repository.storage.list("")) {
      checker.#blobLengths.set(id, lengthBytes);
    }
    return checker;
  }

  /** Blobs in storage. */
  get blobCount(): number {
    return this.#blobLengths.size;
  }

  /**
   * Checks one object: lists of parts are read, data is not.
   * @throws KopiaError `CONTENT_NOT_FOUND`, `BLOB_NOT_FOUND`, `STORAGE_RANGE`, and those of `ObjectStore.verifyObject`.
   */
  async check(objectId: ObjectId): Promise<void> {
    // Most files are one content: nothing to be read for those.
    if (DIRECT_OBJECT_ID.test(objectId)) {
      this.checkContent(objectId, objectId);
      return;
    }
    for (const contentId of await this.#repository.objects.verifyObject(objectId)) {
      this.checkContent(objectId, contentId);
    }
  }

  /** A content must be in the index, and inside a pack that exists. @throws KopiaError as `check`. */
  checkContent(objectId: ObjectId, contentId: ContentId): void {
    const info = this.#repository.contents.getContentInfo(contentId);
    if (info === undefined) {
      throw new KopiaError(
        "CONTENT_NOT_FOUND",
        `verify object: error getting content info for ${contentId}: content not found`,
        { details: { objectId, contentId } },
      );
    }
    const lengthBytes = this.#blobLengths.get(info.packBlobId);
    if (lengthBytes === undefined) {
      throw new KopiaError(
        "BLOB_NOT_FOUND",
        `object ${objectId} is backed by missing blob ${info.packBlobId}`,
        { details: { objectId, contentId, blobId: info.packBlobId } },
      );
    }
    if (info.packOffset + info.packedLength > lengthBytes) {
      throw new KopiaError(
        "STORAGE_RANGE",
        `object ${objectId} is backed by truncated blob ${info.packBlobId}`,
        { details: { objectId, contentId, blobId: info.packBlobId, lengthBytes } },
      );
    }
  }
}
