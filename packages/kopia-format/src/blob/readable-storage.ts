import type { Bytes } from "../base/bytes.ts";
import { KopiaError, isKopiaError } from "../base/errors.ts";
import { rangeOf } from "./range.ts";
import type { BlobId, BlobMetadata, BlobRange, BlobStorage, BlobWriter } from "./storage.ts";

/** What a read-only storage is made of: for instance two calls of `fetch` in a browser. */
export interface BlobSource {
  /** For people, such as `https://example.org/repository`. */
  readonly displayName: string;
  /** All blobs whose ID starts with `prefix`. */
  list(prefix: string): Promise<Iterable<BlobMetadata>>;
  /**
   * A whole blob, or a part of it; `undefined` when there is no such blob. More than was asked for is welcome: a server that
   * ignores ranges gives everything.
   */
  read(id: BlobId, range?: BlobRange): Promise<SourceBytes | undefined>;
}

/** Bytes of a blob, and where in it they begin. */
export interface SourceBytes {
  readonly bytes: Bytes;
  readonly offsetBytes: number;
}

/** Storage that can be read over whatever a platform has; nothing can be changed. */
export class ReadableStorage implements BlobStorage {
  readonly kind = "readable";
  readonly readOnly = true;
  readonly displayName: string;
  readonly #source: BlobSource;

  constructor(source: BlobSource) {
    this.#source = source;
    this.displayName = source.displayName;
  }

  async get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    const found = await this.#call(() => this.#source.read(id, range));
    if (found === undefined) throw notFound(id);
    const { bytes, offsetBytes } = found;
    if (range === undefined) {
      if (offsetBytes === 0) return bytes;
      throw new KopiaError("STORAGE_RANGE", `blob ${id} was given from byte ${offsetBytes} on`, {
        details: { blob: id },
      });
    }
    const wanted = { ...range, offsetBytes: range.offsetBytes - offsetBytes };
    const { start, end } = rangeOf(id, bytes.length, wanted);
    return bytes.slice(start, end);
  }

  async getMetadata(id: BlobId): Promise<BlobMetadata> {
    for await (const blob of this.list(id)) if (blob.id === id) return blob;
    throw notFound(id);
  }

  async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    yield* await this.#call(() => this.#source.list(prefix));
  }

  put(id: BlobId): Promise<BlobMetadata> {
    return Promise.reject(readOnly("write", id));
  }

  openWriter(id: BlobId): BlobWriter {
    throw readOnly("write", id);
  }

  delete(id: BlobId): Promise<void> {
    return Promise.reject(readOnly("delete", id));
  }

  async capacity(): Promise<undefined> {}

  async close(): Promise<void> {}

  /** Whatever the platform failed with becomes an error of the contract. */
  async #call<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      return await call();
    } catch (cause) {
      if (isKopiaError(cause)) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new KopiaError("STORAGE_UNAVAILABLE", `${this.displayName}: ${reason}`, { cause });
    }
  }
}

function notFound(id: BlobId): KopiaError {
  return new KopiaError("BLOB_NOT_FOUND", `blob ${id} is not in storage`, {
    details: { blob: id },
  });
}

function readOnly(action: string, id: BlobId): KopiaError {
  return new KopiaError(
    "STORAGE_READ_ONLY",
    `cannot ${action} blob ${id}: this storage can only be read`,
    {
      details: { blob: id },
    },
  );
}
