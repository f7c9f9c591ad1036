import type { Clock } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import type { BlobStorage } from "../blob/storage.ts";
import type { RepositoryFormat } from "./repository-format.ts";

/** Options of loading a format. */
export interface LoadFormatOptions {
  /** Tells whether an upgrade lock is in force; the machine's clock by default. */
  readonly clock?: Clock;
  /** Owner ID of a running upgrade, which alone may pass its lock (spec 1 §2.6). */
  readonly upgradeOwnerId?: string;
  /** Told about features that this program does not know but may ignore (spec 1 §2.4). */
  readonly onWarning?: (message: string) => void;
}

/**
 * Reads `kopia.repository` and `kopia.blobcfg` and opens them with the password (spec 1 §2), with
 * every check of opening: version, features, algorithms, upgrade lock.
 * @throws KopiaError `REPOSITORY_NOT_FOUND`, `INVALID_PASSWORD`, `FORMAT_CORRUPT`, `FORMAT_UNSUPPORTED`,
 *   `ALGORITHM_UNKNOWN`, `REPOSITORY_UPGRADING`, and storage errors.
 */
export function loadRepositoryFormat(
  _storage: BlobStorage,
  _password: string,
  _options: LoadFormatOptions = {},
): Promise<RepositoryFormat> {
  return Promise.reject(new KopiaError("NOT_IMPLEMENTED", "loadRepositoryFormat"));
}
