import type { Bytes } from "../base/bytes.ts";
import { NS_PER_MS, systemClock, type Clock } from "../base/clock.ts";
import { KopiaError, isKopiaError } from "../base/errors.ts";
import type { BlobStorage } from "../blob/storage.ts";
import {
  openFormatBlobs,
  readFormatBlobs,
  type LockedFormat,
  type OpenedFormat,
} from "./format-blobs.ts";
import { FORMAT_VERSIONS, checkAlgorithms } from "./format-parameters.ts";
import { deriveFormatKey } from "./key-derivation.ts";
import type { RepositoryFormat, UpgradeLock } from "./repository-format.ts";
import { checkRequiredFeatures } from "./required-features.ts";
import { checkUpgradeLock, isUpgradeLocked, isUpgradeLockStale } from "./upgrade-lock.ts";

/** Options of loading a format. */
export interface LoadFormatOptions {
  /** Tells whether an upgrade lock is in force; the machine's clock by default. */
  readonly clock?: Clock;
  /** Owner ID of a running upgrade, which alone may pass its lock (spec 1 §2.6). */
  readonly upgradeOwnerId?: string;
  /** Told about features that this program does not know but may ignore (spec 1 §2.4). */
  readonly onWarning?: (message: string) => void;
  /** A key that may open the format; when it does not, one is derived from the password. */
  readonly formatKey?: Bytes;
  /**
   * Waits while somebody else upgrades the repository, and is told so before each pause; without it opening
   * fails at once. A lock that should have been released an hour ago is not waited for.
   */
  readonly onUpgradeWait?: (lock: UpgradeLock) => void;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** Pauses between two looks at an upgrade of somebody else. */
const POLL_MS = { min: 1000, max: 60_000 } as const;

/**
 * Reads `kopia.repository` and `kopia.blobcfg` and opens them with the password (spec 1 §2), with
 * every check of opening: version, features, algorithms, upgrade lock.
 * @throws KopiaError `REPOSITORY_NOT_FOUND`, `INVALID_PASSWORD`, `FORMAT_CORRUPT`, `FORMAT_UNSUPPORTED`,
 *   `ALGORITHM_UNKNOWN`, `REPOSITORY_UPGRADING`, and storage errors.
 */
export async function loadRepositoryFormat(
  storage: BlobStorage,
  password: string,
  options: LoadFormatOptions = {},
): Promise<RepositoryFormat> {
  let { format } = await loadOpenedFormat(storage, password, options.formatKey);
  while (await waitForUpgrade(format, options)) {
    ({ format } = openFormatBlobs(await readFormatBlobs(storage), format.formatKey));
  }
  checkFormat(format, options);
  return format;
}

/** Waits a moment when the format is locked by somebody who may yet finish; false when it is not. */
async function waitForUpgrade(
  { content: { upgradeLock: lock } }: RepositoryFormat,
  { clock = systemClock, upgradeOwnerId, onUpgradeWait, signal }: LoadFormatOptions,
): Promise<boolean> {
  if (onUpgradeWait === undefined || lock === undefined || lock.ownerId === upgradeOwnerId)
    return false;
  const now = clock.now();
  if (!isUpgradeLocked(lock, now) || isUpgradeLockStale(lock, now)) return false;
  onUpgradeWait(lock);
  const pollMs = Number(BigInt(lock.statusPollIntervalNs) / NS_PER_MS);
  await clock.sleep(Math.min(Math.max(pollMs, POLL_MS.min), POLL_MS.max), signal);
  return true;
}

/**
 * Reads the format again with the key of an open repository: parameters, lock and features may have
 * changed (spec 1 §2.12). Cheap, since no key is derived. The algorithms and keys to go on with are
 * those of the first load, which the caller keeps.
 * @throws KopiaError `INVALID_PASSWORD` when the password was changed meanwhile, and as `loadRepositoryFormat`.
 */
export async function reloadRepositoryFormat(
  storage: BlobStorage,
  current: RepositoryFormat,
  options: LoadFormatOptions = {},
): Promise<RepositoryFormat> {
  const { format } = openFormatBlobs(await readFormatBlobs(storage), current.formatKey);
  checkFormat(format, options);
  return format;
}

/** What opens the format blobs. */
export interface FormatSecret {
  readonly password: string;
  /** The format key, where an earlier opening derived it: spares a derivation. */
  readonly formatKey?: Bytes;
}

/**
 * Reads and opens both format blobs without judging them: for what rewrites them.
 * @throws KopiaError `REPOSITORY_NOT_FOUND`, `INVALID_PASSWORD`, `FORMAT_CORRUPT`, `ALGORITHM_UNKNOWN`.
 */
export async function loadOpenedFormat(
  storage: BlobStorage,
  password: string,
  formatKey?: Bytes,
): Promise<OpenedFormat> {
  const locked = await readFormatBlobs(storage);
  const opened = formatKey && openWithKey(locked, formatKey);
  if (opened !== undefined) return opened;
  const { uniqueId, keyAlgorithm } = locked.document;
  return openFormatBlobs(locked, await deriveFormatKey({ password, uniqueId, keyAlgorithm }));
}

/** `undefined` when the key is another repository's, or the password was changed. */
function openWithKey(locked: LockedFormat, formatKey: Bytes): OpenedFormat | undefined {
  try {
    return openFormatBlobs(locked, formatKey);
  } catch (error) {
    if (isKopiaError(error, "INVALID_PASSWORD")) return undefined;
    throw error;
  }
}

/**
 * All that stands between a decrypted format and its use.
 * @throws KopiaError `FORMAT_UNSUPPORTED`, `ALGORITHM_UNKNOWN`, `REPOSITORY_UPGRADING`.
 */
export function checkFormat(format: RepositoryFormat, options: LoadFormatOptions): void {
  const { content } = format;
  if (!FORMAT_VERSIONS.includes(content.version)) {
    throw new KopiaError(
      "FORMAT_UNSUPPORTED",
      `the repository has format version ${content.version}; this program knows ${FORMAT_VERSIONS.join(", ")}`,
      { details: { version: content.version } },
    );
  }
  if (content.indexVersion > 2) {
    throw new KopiaError(
      "FORMAT_UNSUPPORTED",
      `the repository has index version ${content.indexVersion}; this program knows 1 and 2`,
      { details: { indexVersion: content.indexVersion } },
    );
  }
  checkRequiredFeatures(content.requiredFeatures, options.onWarning ?? ignoreWarning);
  checkAlgorithms(content);
  const now = (options.clock ?? systemClock).now();
  checkUpgradeLock(content.upgradeLock, now, options.upgradeOwnerId);
}

function ignoreWarning(): void {
  // Nobody asked for warnings.
}
