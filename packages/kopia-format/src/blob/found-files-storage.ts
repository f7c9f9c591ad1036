import type { Bytes } from "../base/bytes.ts";
import { KopiaError, isKopiaError } from "../base/errors.ts";
import { readBlobFile } from "./file-reader.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { ReadOnlyStorage } from "./read-only-storage.ts";
import type { BlobId, BlobMetadata, BlobRange } from "./storage.ts";
import { storageError } from "./system-error.ts";

/** A blob and the file that holds it. */
export interface FoundFile {
  readonly blob: BlobMetadata;
  /** Absolute path. */
  readonly path: string;
}

/**
 * The blobs of a directory where they were found, whatever `.shards` says: for the examination of a storage whose
 * layout and settings do not fit. As it was when the files were found; nothing can be changed.
 */
export class FoundFilesStorage extends ReadOnlyStorage {
  readonly #files: ReadonlyMap<BlobId, FoundFile>;
  readonly #name: string;

  /** @param displayName for people. */
  constructor(files: ReadonlyMap<BlobId, FoundFile>, displayName: string) {
    super(new MemoryStorage());
    this.#files = files;
    this.#name = displayName;
  }

  override get displayName(): string {
    return this.#name;
  }

  override async get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    const { path } = this.#find(id);
    try {
      return await readBlobFile(path, id, range);
    } catch (error) {
      if (isKopiaError(error)) throw error;
      throw storageError(error, { action: "read", blob: id, path });
    }
  }

  // oxlint-disable-next-line require-await -- the contract is asynchronous
  override async getMetadata(id: BlobId): Promise<BlobMetadata> {
    return this.#find(id).blob;
  }

  override async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    for (const { blob } of this.#files.values()) if (blob.id.startsWith(prefix)) yield blob;
  }

  #find(id: BlobId): FoundFile {
    const file = this.#files.get(id);
    if (file !== undefined) return file;
    throw new KopiaError("BLOB_NOT_FOUND", `blob ${id} is not in storage (${this.#name})`, {
      details: { blob: id },
    });
  }
}
