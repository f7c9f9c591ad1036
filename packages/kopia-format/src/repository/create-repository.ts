import { KopiaError } from "../base/errors.ts";
import type { RandomBytes } from "../base/random.ts";
import type { BlobStorage } from "../blob/storage.ts";
import { initializeRepository } from "../format/initialize.ts";
import type { BlobRetention, RepositoryFormat } from "../format/repository-format.ts";

/** Format of a new repository; everything absent is the default (spec 1 §3). */
export interface NewRepositoryFormat {
  /** 1, 2 or 3 (default). */
  readonly version?: number;
  readonly hash?: string;
  readonly encryption?: string;
  readonly splitter?: string;
  readonly ecc?: string;
  readonly eccOverheadPercent?: number;
  readonly keyAlgorithm?: string;
  readonly maxPackSizeBytes?: number;
  readonly blobRetention?: BlobRetention;
}

/** How a repository is made. */
export interface CreateRepositoryOptions {
  readonly password: string;
  readonly format?: NewRepositoryFormat;
  readonly random?: RandomBytes;
}

const FORMAT_BLOB = "kopia.repository";
/** Blobs named in the message when a storage is not empty. */
const MAX_NAMED_BLOBS = 3;

/**
 * Makes a repository in an empty storage: `kopia.blobcfg`, then `kopia.repository` (spec 1 §2.10). Policies
 * and maintenance parameters are written by the caller in a first write session.
 * @throws KopiaError `REPOSITORY_EXISTS`, `REPOSITORY_FOREIGN_DATA` naming what is there, `ALGORITHM_UNKNOWN`,
 * `FORMAT_INVALID_PARAMETER`, and those of `BlobStorage`.
 */
export async function createRepository(
  storage: BlobStorage,
  options: CreateRepositoryOptions,
): Promise<RepositoryFormat> {
  if (options.password === "") {
    throw new KopiaError("ARGUMENT_INVALID", "the password of a new repository must not be empty");
  }
  await assertEmpty(storage);
  const { version, ...format } = options.format ?? {};
  return initializeRepository(storage, options.password, {
    ...format,
    ...(version !== undefined && { formatVersion: version }),
    ...(options.random !== undefined && { random: options.random }),
  });
}

async function assertEmpty(storage: BlobStorage): Promise<void> {
  const names: string[] = [];
  for await (const blob of storage.list("")) {
    if (blob.id === FORMAT_BLOB) {
      throw new KopiaError(
        "REPOSITORY_EXISTS",
        `there is a repository already: ${storage.displayName}`,
        { details: { storage: storage.displayName } },
      );
    }
    names.push(blob.id);
  }
  if (names.length === 0) return;
  const shown = names.sort().slice(0, MAX_NAMED_BLOBS).join(", ");
  throw new KopiaError(
    "REPOSITORY_FOREIGN_DATA",
    `${storage.displayName} is not empty: it holds ${names.length} blobs but no repository (${shown}${names.length > MAX_NAMED_BLOBS ? ", …" : ""})`,
    { details: { storage: storage.displayName, blobCount: names.length } },
  );
}
