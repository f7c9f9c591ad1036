import { systemClock } from "../base/clock.ts";
import type { BlobStorage } from "../blob/storage.ts";
import { openPortableRepository, type OpenPortableOptions } from "./open-portable-repository.ts";
import { withRepositoryCache, type RepositoryCacheOptions } from "./repository-cache.ts";
import type { Repository } from "./repository.ts";

/** How a repository is opened. */
export interface OpenRepositoryOptions extends Omit<OpenPortableOptions, "wrapStorage"> {
  /** Absent: no cache. What checks the storage itself must do without. */
  readonly cache?: RepositoryCacheOptions;
}

/**
 * Opens a repository. The storage stays the caller's until this resolves; afterwards `close` closes it.
 * @throws KopiaError `REPOSITORY_NOT_FOUND`, `INVALID_PASSWORD`, `FORMAT_CORRUPT`, `FORMAT_UNSUPPORTED`,
 * `ALGORITHM_UNKNOWN`, `REPOSITORY_UPGRADING`, `INDEX_CORRUPT` and those of `BlobStorage`.
 */
export function openRepository(
  storage: BlobStorage,
  options: OpenRepositoryOptions,
): Promise<Repository> {
  const { cache, ...rest } = options;
  if (cache === undefined) return openPortableRepository(storage, rest);
  const { clock = systemClock } = options;
  return openPortableRepository(storage, {
    ...rest,
    wrapStorage: (blobs, format) => withRepositoryCache(blobs, cache, { format, clock }),
  });
}
