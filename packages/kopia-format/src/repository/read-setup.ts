import { systemRandom } from "../base/random.ts";
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
}

/**
 * What threads read the contents of a repository with; `undefined` where only the repository itself can: storage other
 * than plain files, and error correction, whose repairs have to be told.
 */
export function readSetupOf(repository: {
  readonly storage?: BlobStorage;
  readonly format?: RepositoryFormat;
}): ReadSetup | undefined {
  const storage = repository.storage?.threadOptions;
  const format = repository.format?.content;
  if (storage === undefined || format === undefined) return undefined;
  if (format.ecc !== "" && format.eccOverheadPercent > 0) return undefined;
  return { storage, format };
}

/**
 * Opens a reader with a cipher and a buffer of its own.
 * @throws KopiaError `STORAGE_UNAVAILABLE`, `STORAGE_PERMISSION`, `ALGORITHM_UNKNOWN`.
 */
export async function openPlaceReader({ storage, format }: ReadSetup): Promise<PlaceReader> {
  const opened = await openFilesystemStorage(storage);
  const codec = new ContentCodec(createContentEncryptor(format, systemRandom), format);
  return new PlaceReader(opened as LocalStorage, codec);
}
