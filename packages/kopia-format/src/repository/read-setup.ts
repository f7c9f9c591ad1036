import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import {
  CachingStorage,
  readCachedPacks,
  type CachedPacksOptions,
} from "../blob/caching-storage.ts";
import { openFilesystemStorage } from "../blob/filesystem-storage.ts";
import type { BlobStorage, FilesystemThreadOptions } from "../blob/storage.ts";
import { ContentCodec } from "../content/content-codec.ts";
import { PlaceReader, type LocalStorage } from "../content/place-reader.ts";
import type { ContentFormat, RepositoryFormat } from "../format/repository-format.ts";
import { createContentEncryptor } from "./content-encryptor.ts";

/** What a thread needs to read contents: plain data, with keys. Never print it. */
export interface ReadSetup {
  readonly storage: FilesystemThreadOptions;
  readonly format: ContentFormat;
  /** Metadata packs are read from this cache where it has them. */
  readonly cachedPacks?: CachedPacksOptions | undefined;
}

/**
 * What threads read the contents of a repository with; `undefined` where only the repository itself can: storage other
 * than plain files, and error correction, whose repairs have to be told.
 * @param options `useCache` reads metadata packs from the cache where it has them; not for what checks the storage itself.
 */
export function readSetupOf(
  repository: {
    readonly storage?: BlobStorage;
    readonly cachedStorage?: BlobStorage;
    readonly format?: RepositoryFormat;
  },
  options: { readonly useCache?: boolean } = {},
): ReadSetup | undefined {
  const storage = repository.storage?.threadOptions;
  const format = repository.format?.content;
  if (storage === undefined || format === undefined) return undefined;
  if (format.ecc !== "" && format.eccOverheadPercent > 0) return undefined;
  const { cachedStorage } = repository;
  const isCached = options.useCache === true && cachedStorage instanceof CachingStorage;
  if (!isCached) return { storage, format };
  return { storage, format, cachedPacks: cachedStorage.cachedPacksOptions };
}

/**
 * Opens a reader with a cipher and a buffer of its own.
 * @throws KopiaError `STORAGE_UNAVAILABLE`, `STORAGE_PERMISSION`, `ALGORITHM_UNKNOWN`.
 */
export async function openPlaceReader(setup: ReadSetup): Promise<PlaceReader> {
  const { storage, format, cachedPacks } = setup;
  const opened: LocalStorage = (await openFilesystemStorage(storage)) as LocalStorage;
  const codec = new ContentCodec(createContentEncryptor(format, systemRandom), format);
  if (cachedPacks === undefined) return new PlaceReader(opened, codec);
  const environment = { clock: systemClock, random: systemRandom };
  return new PlaceReader(readCachedPacks(opened, cachedPacks, environment), codec);
}
