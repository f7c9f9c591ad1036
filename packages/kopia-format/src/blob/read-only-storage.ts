import { KopiaError } from "../base/errors.ts";
import type { BlobId, BlobMetadata, BlobWriter, FilesystemThreadOptions } from "./storage.ts";
import { ForwardingStorage } from "./forwarding-storage.ts";

/** Lets nothing be changed: put, write and delete fail with `STORAGE_READ_ONLY`, everything else passes through. */
export class ReadOnlyStorage extends ForwardingStorage {
  override get readOnly(): boolean {
    return true;
  }

  /** For threads that read: those that write need a write session, which this storage refuses. */
  get threadOptions(): FilesystemThreadOptions | undefined {
    return this.inner.threadOptions;
  }

  override put(id: BlobId): Promise<BlobMetadata> {
    return Promise.reject(readOnlyError("write", id));
  }

  override openWriter(id: BlobId): BlobWriter {
    throw readOnlyError("write", id);
  }

  override delete(id: BlobId): Promise<void> {
    return Promise.reject(readOnlyError("delete", id));
  }
}

function readOnlyError(action: string, id: BlobId): KopiaError {
  return new KopiaError(
    "STORAGE_READ_ONLY",
    `cannot ${action} blob ${id}: the storage is read-only`,
    {
      details: { blob: id },
    },
  );
}
