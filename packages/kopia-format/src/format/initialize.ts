import { KopiaError } from "../base/errors.ts";
import type { RandomBytes } from "../base/random.ts";
import type { BlobStorage } from "../blob/storage.ts";
import type { BlobRetention, RepositoryFormat } from "./repository-format.ts";

/** Parameters of a new repository; everything has Kopia's default (spec 1 §2.1, §2.3, §3). */
export interface InitializeOptions {
  /** 1 to 3; decides index version, epochs and password changes (spec 1 §3.2). Default 3. */
  readonly formatVersion?: number;
  readonly hash?: string;
  readonly encryption?: string;
  readonly ecc?: string;
  readonly eccOverheadPercent?: number;
  readonly splitter?: string;
  /** `scrypt-65536-8-1` (default) or `pbkdf2-sha256-600000`. */
  readonly keyAlgorithm?: string;
  readonly maxPackSizeBytes?: number;
  readonly blobRetention?: BlobRetention;
  /** Source of unique ID, keys and nonces; the platform's by default. */
  readonly random?: RandomBytes;
}

/**
 * Writes the format blobs of a new repository, `kopia.blobcfg` first (spec 1 §2.10 steps 2 and 3).
 * The storage must hold neither; whether it is otherwise empty is the caller's question.
 * @throws KopiaError `REPOSITORY_EXISTS`, `FORMAT_CORRUPT` (settings blob without format blob),
 *   `FORMAT_INVALID_PARAMETER`, `ALGORITHM_UNKNOWN`, and storage errors.
 */
export function initializeRepository(
  _storage: BlobStorage,
  _password: string,
  _options: InitializeOptions = {},
): Promise<RepositoryFormat> {
  return Promise.reject(new KopiaError("NOT_IMPLEMENTED", "initializeRepository"));
}
