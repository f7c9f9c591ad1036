import * as fs from "node:fs";
import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { systemRandom, type RandomBytes } from "../base/random.ts";
import { checkBlobId } from "./blob-id.ts";
import { CachePool } from "./cache-pool.ts";
import { rangeOf } from "./range.ts";
import type {
  BlobId,
  BlobMetadata,
  BlobRange,
  BlobStorage,
  BlobWriter,
  PutOptions,
} from "./storage.ts";
import { ForwardingStorage, withCommit } from "./forwarding-storage.ts";
import { makeDirectories } from "../base/make-directories.ts";

/** What marks a directory as a cache for backup programs (spec 1 §10.4). */
const CACHE_TAG_FILE = "CACHEDIR.TAG";
const CACHE_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n";
/** A name that no version of Kopia uses in its cache directory. */
const CACHE_SUBDIRECTORY = "blob-cache-v1";

/** A metadata pack is fetched whole once this many ranges, or bytes, of it were asked for. */
const WHOLE_AFTER_RANGES = 4;
const WHOLE_AFTER_BYTES = 2 ** 20;
/** Larger metadata packs are never fetched whole: memory is bounded. */
const MAX_WHOLE_BYTES = 2 ** 25;

/** Settings of a `CachingStorage`. */
export interface CachingStorageOptions {
  /** The repository's cache directory; shared with nothing but this repository (spec 1 "Additions", §2.12). */
  readonly directory: string;
  /** 16 bytes derived from the repository's keys (spec 1 §10.4). */
  readonly key: Uint8Array;
  /** Limit for ranges of data packs; 0 keeps none. */
  readonly maxContentBytes: number;
  /** Limit for metadata packs and index blobs; 0 keeps none. */
  readonly maxMetadataBytes: number;
  /**
   * Whether ranges of data packs are kept. Default: unless the storage is a filesystem, where a copy costs
   * more than it saves.
   */
  readonly cacheData?: boolean;
  readonly clock: Clock;
  /** Names of temporary files. Default `systemRandom`. */
  readonly random?: RandomBytes;
}

/** What another thread reads the cached metadata packs with: plain data, with the key. */
export interface CachedPacksOptions {
  readonly directory: string;
  readonly key: Uint8Array;
}

/** A blob that is being read for so many callers. */
interface SharedLoad {
  readonly data: Promise<Bytes>;
  callerCount: number;
}

/** How a blob is cached. */
type CacheKind = "index" | "metadataPack" | "dataPack" | "none";

/**
 * Keeps what was read of immutable blobs in a bounded directory: index blobs and metadata packs whole, data
 * packs by range. Everything else, and everything that changes, goes straight to the storage. Damaged entries
 * are dropped and read again. To check what is really stored, use the storage itself.
 */
export class CachingStorage extends ForwardingStorage {
  readonly #data: CachePool | undefined;
  readonly #metadata: CachePool | undefined;
  /** How another thread reads the metadata packs that are cached; absent where none are. */
  readonly cachedPacksOptions: CachedPacksOptions | undefined;
  readonly #loading = new Map<BlobId, SharedLoad>();
  readonly #rangesAsked = new Map<BlobId, { ranges: number; bytes: number }>();

  constructor(inner: BlobStorage, options: CachingStorageOptions) {
    super(inner);
    const { cacheData = inner.kind !== "filesystem" } = options;
    this.#data = cacheData ? openPool(options, "data", options.maxContentBytes) : undefined;
    this.#metadata = openPool(options, "metadata", options.maxMetadataBytes);
    if (this.#data !== undefined || this.#metadata !== undefined) markAsCache(options.directory);
    const { directory, key } = options;
    this.cachedPacksOptions = this.#metadata === undefined ? undefined : { directory, key };
  }

  // oxlint-disable-next-line require-await -- errors of bad IDs are rejections too
  override async get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    const kind = cacheKind(id);
    if (kind === "none") return this.inner.get(id, range);
    checkBlobId(id);
    if (kind === "dataPack") return this.#getDataRange(id, range);
    return this.#getMetadataBlob(id, range, kind);
  }

  override async put(id: BlobId, data: Uint8Array, options?: PutOptions): Promise<BlobMetadata> {
    const blob = await this.inner.put(id, data, options);
    this.#forget(id);
    return blob;
  }

  override openWriter(id: BlobId): BlobWriter {
    const writer = this.inner.openWriter(id);
    return withCommit(writer, async () => {
      const blob = await writer.commit();
      this.#forget(id);
      return blob;
    });
  }

  override async delete(id: BlobId): Promise<void> {
    await this.inner.delete(id);
    this.#forget(id);
  }

  async #getDataRange(id: BlobId, range: BlobRange | undefined): Promise<Bytes> {
    if (this.#data === undefined || range === undefined) return this.inner.get(id, range);
    const name = `${id}@${range.offsetBytes}+${range.lengthBytes}`;
    const cached = this.#data.read(id, name);
    if (cached !== undefined) return cached;
    const data = await this.inner.get(id, range);
    this.#data.store(id, name, data);
    return data;
  }

  async #getMetadataBlob(
    id: BlobId,
    range: BlobRange | undefined,
    kind: CacheKind,
  ): Promise<Bytes> {
    if (this.#metadata === undefined) return this.inner.get(id, range);
    const cached = this.#metadata.read(id, id, range);
    if (cached !== undefined) return cached;
    const isPartOfPack = kind === "metadataPack" && range !== undefined;
    if (isPartOfPack && !(await this.#isWorthWhole(id, range))) return this.inner.get(id, range);
    const loading = this.#loading.get(id) ?? this.#loadWhole(id, this.#metadata);
    loading.callerCount++;
    const whole = await loading.data;
    // An index blob may be tens of MiB: who alone wants it gets it, and no copy.
    if (range === undefined && loading.callerCount === 1) return whole;
    const wanted = range ?? { offsetBytes: 0, lengthBytes: whole.length };
    const { start, end } = rangeOf(id, whole.length, wanted);
    return whole.slice(start, end);
  }

  /** A single content is cheaper to read alone; a directory walk wants the whole pack. */
  async #isWorthWhole(id: BlobId, range: BlobRange): Promise<boolean> {
    const asked = this.#rangesAsked.get(id) ?? { ranges: 0, bytes: 0 };
    asked.ranges++;
    asked.bytes += range.lengthBytes;
    this.#rangesAsked.set(id, asked);
    if (asked.ranges < WHOLE_AFTER_RANGES && asked.bytes < WHOLE_AFTER_BYTES) return false;
    const { lengthBytes } = await this.inner.getMetadata(id);
    const maxBytes = Math.min(MAX_WHOLE_BYTES, this.#metadata?.maxEntryBytes ?? 0);
    return lengthBytes <= maxBytes;
  }

  /** Callers that want the same blob at once share one read. */
  #loadWhole(id: BlobId, pool: CachePool): SharedLoad {
    const { promise: data, resolve } = Promise.withResolvers<Bytes>();
    const load: SharedLoad = { data, callerCount: 0 };
    this.#loading.set(id, load);
    resolve(this.#readAndStore(id, pool));
    return load;
  }

  async #readAndStore(id: BlobId, pool: CachePool): Promise<Bytes> {
    try {
      const data = await this.inner.get(id);
      pool.store(id, id, data);
      this.#rangesAsked.delete(id);
      return data;
    } finally {
      // Nobody may join any more once the bytes are on their way.
      this.#loading.delete(id);
    }
  }

  #forget(id: BlobId): void {
    const kind = cacheKind(id);
    if (kind === "dataPack") this.#data?.removeOwner(id);
    else if (kind !== "none") this.#metadata?.removeOwner(id);
  }
}

function cacheKind(id: BlobId): CacheKind {
  if (id.startsWith("q")) return "metadataPack";
  if (id.startsWith("p")) return "dataPack";
  return /^(?:x[nsr]|n)/.test(id) ? "index" : "none";
}

function poolDirectory(directory: string, name: string): string {
  return `${directory}/${CACHE_SUBDIRECTORY}/${name}`;
}

function openPool(
  options: CachingStorageOptions,
  name: string,
  maxBytes: number,
): CachePool | undefined {
  if (maxBytes <= 0) return undefined;
  const { directory, key, clock, random = systemRandom } = options;
  return new CachePool({
    directory: poolDirectory(directory, name),
    maxBytes,
    key,
    clock,
    random,
  });
}

/**
 * Reads of cached metadata packs without a promise, for a thread beside the one that has the `CachingStorage`; what is
 * not cached is read from the storage, and not kept.
 */
export function readCachedPacks(
  storage: Required<Pick<BlobStorage, "readInto">>,
  { directory, key }: CachedPacksOptions,
  environment: { readonly clock: Clock; readonly random: RandomBytes },
): Required<Pick<BlobStorage, "readInto">> {
  const pool = new CachePool({
    directory: poolDirectory(directory, "metadata"),
    // Nothing is stored here.
    maxBytes: 0,
    key,
    ...environment,
  });
  return {
    readInto(id, range, allocate) {
      const cached = cacheKind(id) === "metadataPack" ? pool.read(id, id, range) : undefined;
      if (cached === undefined) return storage.readInto(id, range, allocate);
      const bytes = allocate(cached.length);
      bytes.set(cached);
      return bytes;
    },
  };
}

/** Backup programs then leave the directory out. Without the mark the cache still works. */
function markAsCache(directory: string): void {
  const path = `${directory}/${CACHE_TAG_FILE}`;
  if (fs.existsSync(path)) return;
  try {
    makeDirectories(directory, 0o700);
    fs.writeFileSync(path, CACHE_TAG, { mode: 0o600 });
  } catch {
    // Not writable: nothing will be stored either.
  }
}
