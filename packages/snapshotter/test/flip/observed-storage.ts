import type {
  BlobId,
  BlobMetadata,
  BlobRange,
  BlobStorage,
  BlobWriter,
  Bytes,
} from "@kopia-engine/kopia-format";
import { KopiaError } from "@kopia-engine/kopia-format";

/** A blob of a repository held in memory. */
export interface HeldBlob {
  readonly id: BlobId;
  readonly data: Bytes;
  readonly timestamp: bigint;
}

/** What a check looked at: bytes of a blob, or the lengths of all blobs of a prefix. */
export type Access =
  | { readonly id: BlobId; readonly start: number; readonly end: number }
  | { readonly lengthsOf: BlobId };

/** A repository in memory that says what was looked at, and of which one blob can be damaged. Read-only. */
export class ObservedStorage implements BlobStorage {
  readonly kind = "memory";
  readonly displayName = "Memory";
  readonly readOnly = true;
  readonly #blobs: ReadonlyMap<BlobId, HeldBlob>;
  #damaged: HeldBlob | undefined;
  #accesses: Access[] | undefined;

  constructor(blobs: readonly HeldBlob[]) {
    this.#blobs = new Map(blobs.map((blob) => [blob.id, blob]));
  }

  /** Puts a damaged blob in the place of the one of its name; `undefined` takes it away again. */
  damage(blob: HeldBlob | undefined): void {
    this.#damaged = blob;
  }

  /** Runs something and tells what it looked at. */
  async observe(run: () => Promise<unknown>): Promise<readonly Access[]> {
    const accesses: Access[] = [];
    this.#accesses = accesses;
    try {
      await run();
    } finally {
      this.#accesses = undefined;
    }
    return accesses;
  }

  get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    const start = range?.offsetBytes ?? 0;
    const end = range === undefined ? Infinity : start + range.lengthBytes;
    this.#accesses?.push({ id, start, end });
    return Promise.resolve().then(() => {
      const { data } = this.#find(id);
      if (range === undefined) return data.slice();
      if (end <= data.length) return data.slice(start, end);
      throw new KopiaError("STORAGE_RANGE", `blob ${id} has ${data.length} bytes, ${end} wanted`);
    });
  }

  getMetadata(id: BlobId): Promise<BlobMetadata> {
    this.#accesses?.push({ lengthsOf: id });
    return Promise.resolve().then(() => metadataOf(this.#find(id)));
  }

  // oxlint-disable-next-line require-await -- the contract is asynchronous
  async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    this.#accesses?.push({ lengthsOf: prefix });
    for (const id of this.#blobs.keys()) {
      if (id.startsWith(prefix)) yield metadataOf(this.#find(id));
    }
  }

  put(): Promise<BlobMetadata> {
    return Promise.reject(refusal());
  }

  openWriter(): BlobWriter {
    throw refusal();
  }

  delete(): Promise<void> {
    return Promise.reject(refusal());
  }

  async capacity(): Promise<undefined> {}

  async close(): Promise<void> {}

  #find(id: BlobId): HeldBlob {
    const blob = this.#damaged?.id === id ? this.#damaged : this.#blobs.get(id);
    if (blob !== undefined) return blob;
    throw new KopiaError("BLOB_NOT_FOUND", `blob ${id} is not in storage`);
  }
}

function metadataOf({ id, data, timestamp }: HeldBlob): BlobMetadata {
  return { id, lengthBytes: data.length, timestamp };
}

function refusal(): KopiaError {
  return new KopiaError("STORAGE_READ_ONLY", "a repository under observation is only read");
}
