import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { toHex, utf8Encode } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { CachingStorage } from "../blob/caching-storage.ts";
import type { BlobStorage } from "../blob/storage.ts";
import { deriveCacheKey } from "../format/key-derivation.ts";
import type { RepositoryFormat } from "../format/repository-format.ts";
import { writePrivateFile } from "./atomic-file.ts";

/** Cache on local disk. */
export interface RepositoryCacheOptions {
  readonly directory: string;
  /** Limit for data packs; 0 keeps none. */
  readonly maxContentBytes: number;
  /** Limit for metadata packs and index blobs; 0 keeps none. */
  readonly maxMetadataBytes: number;
}

/** Where cached blobs lie, and the file beside it that says whose they are. */
const BLOB_CACHE = "blob-cache-v1";
const OWNER_FILE = "blob-cache-v1.repository";

/**
 * The storage with a cache in front. A cache directory belongs to one repository: it carries the unique ID, and what
 * another repository left there is thrown away (spec 1, additions to §2.12). The format blob is never cached.
 * A directory that cannot be used means no cache, not an error.
 */
export function withRepositoryCache(
  storage: BlobStorage,
  cache: RepositoryCacheOptions,
  repository: { readonly format: RepositoryFormat; readonly clock: Clock },
): BlobStorage {
  try {
    claimDirectory(cache.directory, toHex(repository.format.uniqueId));
  } catch {
    return storage;
  }
  return new CachingStorage(storage, {
    ...cache,
    key: deriveCacheKey(repository.format),
    clock: repository.clock,
  });
}

function claimDirectory(directory: string, uniqueIdHex: string): void {
  const ownerFile = join(directory, OWNER_FILE);
  if (existsSync(ownerFile) && readFileSync(ownerFile, "utf8") === uniqueIdHex) return;
  rmSync(join(directory, BLOB_CACHE), { recursive: true, force: true });
  writePrivateFile(ownerFile, utf8Encode(uniqueIdHex));
}
