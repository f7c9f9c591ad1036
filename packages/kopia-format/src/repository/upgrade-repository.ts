import { systemClock, toUnixSeconds, type Clock } from "../base/clock.ts";
import { KopiaError, isKopiaError } from "../base/errors.ts";
import { systemRandom, type RandomBytes } from "../base/random.ts";
import type { BlobStorage } from "../blob/storage.ts";
import type { IndexComparison } from "../content/index-blob/migration/compare-indexes.ts";
import { checkFormat, loadOpenedFormat, type FormatSecret } from "../format/load-format.ts";
import type { RepositoryFormat, UpgradeLock } from "../format/repository-format.ts";
import {
  commitFormatUpgrade,
  placeUpgradeLock,
  requireOwnLock,
  writePoisonBlob,
  type UpgradeFormatContext,
} from "../format/upgrade-format.ts";
import {
  MIN_IO_DRAIN_TIMEOUT_NS,
  UPGRADED_FORMAT_VERSION,
  UPGRADE_LOCK_DEFAULTS,
  newUpgradeLock,
  upgradeTime,
  type UpgradeLockRequest,
} from "../format/upgrade-lock.ts";
import { IndexUpgrade } from "./index-upgrade.ts";

/** What every step of an upgrade is told. */
export interface UpgradeAccess extends FormatSecret {
  /** Owner ID of the upgrade (`KOPIA_REPO_UPGRADE_OWNER_ID`). */
  readonly ownerId?: string;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
}

/** How a repository is upgraded. Durations in nanoseconds. */
export interface UpgradeRepositoryOptions
  extends UpgradeAccess, Partial<Omit<UpgradeLockRequest, "ownerId" | "fromVersion">> {
  readonly ownerId: string;
  /** Allows a drain below 15 minutes: clients that still trust an older format blob may lose what they write. */
  readonly allowUnsafe?: boolean;
  /** Sets the lock and stops there. */
  readonly lockOnly?: boolean;
  /** False: everything but the end, so that the upgrade can still be rolled back. Default true. */
  readonly commit?: boolean;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: UpgradeEvent) => void;
}

/** What an upgrade reports as it goes. */
export type UpgradeEvent =
  | { readonly kind: "upToDate" }
  | { readonly kind: "lockPlaced" }
  | { readonly kind: "draining"; readonly remainingNs: bigint }
  | { readonly kind: "drained" }
  | { readonly kind: "epochsInUse" }
  | { readonly kind: "migrating" }
  | { readonly kind: "migrated"; readonly contentCount: number }
  | { readonly kind: "validated"; readonly comparison: IndexComparison }
  | { readonly kind: "notCommitted" }
  | { readonly kind: "committed" };

/** Shortest pause between two looks at the lock while others are given time to stop. */
const MIN_PAUSE_NS = 1_000_000_000n;
/** A session marker that is younger than this may belong to a client that is writing now. */
const ACTIVE_SESSION_SECONDS = 3600;

/**
 * Upgrades a repository to the latest format (spec 1 §2.6, §8.5): lock, backup of the format blob, time for
 * all other clients to stop, index into epochs, proof that nothing is missing, commit. Every step can be
 * interrupted: called again by the same owner it goes on, and `rollbackUpgrade` undoes it until the commit.
 * @returns true when the repository has the latest format now.
 * @throws KopiaError `FORMAT_INVALID_PARAMETER`, `REPOSITORY_UPGRADING` when somebody else has the lock,
 *   `EPOCH_EXPIRED` when another client still writes, `UPGRADE_UNSAFE`, `INDEX_CORRUPT`, as `loadRepositoryFormat`,
 *   and storage errors. The lock stays, except where it was never set.
 */
export async function upgradeRepository(
  storage: BlobStorage,
  options: UpgradeRepositoryOptions,
): Promise<boolean> {
  const { ownerId, clock = systemClock, onEvent = ignoreEvent } = options;
  const timings = lockTimings(options);
  const { format, context } = await openForUpgrade(storage, options);
  const fromVersion = format.content.version;
  if (fromVersion >= UPGRADED_FORMAT_VERSION && format.content.upgradeLock === undefined) {
    await new IndexUpgrade(context, clock).catchUp();
    onEvent({ kind: "upToDate" });
    return true;
  }
  const lock = newUpgradeLock({ ownerId, fromVersion, ...timings }, clock.now());
  const locked = await placeUpgradeLock(context, lock);
  onEvent({ kind: "lockPlaced" });
  if (options.lockOnly === true) return false;
  const index = new IndexUpgrade(context, clock);
  if (locked.format.content.epochParameters.enabled) onEvent({ kind: "epochsInUse" });
  else {
    await drainClients(context, { ...options, clock, onEvent });
    onEvent({ kind: "migrating" });
    const contentCount = await index.migrate();
    onEvent({ kind: "migrated", contentCount });
  }
  onEvent({ kind: "validated", comparison: await index.validate() });
  if (options.commit === false) {
    onEvent({ kind: "notCommitted" });
    return false;
  }
  await commitFormatUpgrade(context, ownerId);
  onEvent({ kind: "committed" });
  return true;
}

/**
 * Undoes an upgrade that has not been committed: the format blob from before comes back (spec 1 §2.6).
 * @throws KopiaError `UPGRADE_NOT_RUNNING`, `REPOSITORY_UPGRADING` when the lock is somebody else's,
 *   `UPGRADE_UNSAFE` when contents were written since that the older scheme does not know.
 */
export async function rollbackUpgrade(
  storage: BlobStorage,
  options: UpgradeAccess & { readonly ownerId: string },
): Promise<void> {
  const { context } = await openForUpgrade(storage, options);
  await requireOwnLock(context, options.ownerId);
  await new IndexUpgrade(context, options.clock ?? systemClock).rollback();
}

/**
 * Compares the index of the older scheme, which an upgrade leaves where it is, with the present one.
 * @returns what was compared; with `missingCount` above 0 the upgrade lost entries, or another client wrote in the older
 *   scheme after it: `upgradeRepository` by any owner then brings them in.
 * @throws KopiaError `FORMAT_UNSUPPORTED` for a repository without epochs, and as `loadRepositoryFormat`.
 */
export async function validateUpgrade(
  storage: BlobStorage,
  options: UpgradeAccess,
): Promise<IndexComparison> {
  const { format, context } = await openForUpgrade(storage, options);
  if (!format.content.epochParameters.enabled)
    throw new KopiaError("FORMAT_UNSUPPORTED", "epoch manager not enabled");
  return new IndexUpgrade(context, options.clock ?? systemClock).compare();
}

/**
 * Brings the index into epochs without any lock, for a repository that nobody else uses (`set-parameters --upgrade`).
 * A repository that has epochs gets what other clients wrote in the older scheme since.
 * @returns the number of contents that were brought in.
 * @throws KopiaError `UPGRADE_UNSAFE` when another client seems to be writing, and as `upgradeRepository`.
 */
export async function upgradeWithoutLock(
  storage: BlobStorage,
  options: UpgradeAccess & { readonly onEvent?: (event: UpgradeEvent) => void },
): Promise<number> {
  const { clock = systemClock, onEvent = ignoreEvent } = options;
  const { format, context } = await openForUpgrade(storage, options);
  const index = new IndexUpgrade(context, clock);
  if (format.content.epochParameters.enabled) return (await index.catchUp()).length;
  await refuseActiveSessions(storage, clock);
  onEvent({ kind: "migrating" });
  const contentCount = await index.migrate();
  await writePoisonBlob(storage);
  await index.catchUp();
  onEvent({ kind: "validated", comparison: await index.validate() });
  return contentCount;
}

async function openForUpgrade(
  storage: BlobStorage,
  options: UpgradeAccess,
): Promise<{ format: RepositoryFormat; context: UpgradeFormatContext }> {
  const { ownerId, clock } = options;
  const { format } = await loadOpenedFormat(storage, options.password, options.formatKey);
  checkFormat(format, {
    ...(ownerId !== undefined && { upgradeOwnerId: ownerId }),
    ...(clock !== undefined && { clock }),
  });
  const random = options.random ?? systemRandom;
  return { format, context: { storage, formatKey: format.formatKey, random } };
}

function lockTimings(
  options: UpgradeRepositoryOptions,
): Omit<UpgradeLockRequest, "ownerId" | "fromVersion"> {
  const {
    ioDrainTimeoutNs = UPGRADE_LOCK_DEFAULTS.ioDrainTimeoutNs,
    statusPollIntervalNs = UPGRADE_LOCK_DEFAULTS.statusPollIntervalNs,
    maxPermittedClockDriftNs = UPGRADE_LOCK_DEFAULTS.maxPermittedClockDriftNs,
  } = options;
  if (ioDrainTimeoutNs < MIN_IO_DRAIN_TIMEOUT_NS && options.allowUnsafe !== true) {
    throw new KopiaError("FORMAT_INVALID_PARAMETER", "minimum required io-drain-timeout is 15m0s", {
      details: { ioDrainTimeoutNs },
    });
  }
  return { ioDrainTimeoutNs, statusPollIntervalNs, maxPermittedClockDriftNs };
}

/** Waits until no client can still trust the format from before the lock (spec 1 §2.6). */
async function drainClients(
  context: UpgradeFormatContext,
  options: UpgradeRepositoryOptions & Required<Pick<UpgradeRepositoryOptions, "clock" | "onEvent">>,
): Promise<void> {
  const { clock, onEvent, signal } = options;
  for (;;) {
    const { content } = (await requireOwnLock(context, options.ownerId)).format;
    const lock = content.upgradeLock as UpgradeLock;
    const remainingNs = upgradeTime(lock) - clock.now();
    onEvent({ kind: "draining", remainingNs });
    if (remainingNs <= 0n) break;
    const pollNs = BigInt(lock.statusPollIntervalNs);
    const pauseNs = pollNs > MIN_PAUSE_NS ? pollNs : MIN_PAUSE_NS;
    const sleepNs = remainingNs < pauseNs ? remainingNs : pauseNs;
    await clock.sleep(Math.ceil(Number(sleepNs) / 1e6), signal);
  }
  onEvent({ kind: "drained" });
}

/** Without a lock nobody is asked to stop: at least nobody must be at work visibly. */
async function refuseActiveSessions(storage: BlobStorage, clock: Clock): Promise<void> {
  const nowSeconds = toUnixSeconds(clock.now());
  for await (const { id, timestamp } of storage.list("s")) {
    const ageSeconds = nowSeconds - toUnixSeconds(timestamp);
    if (ageSeconds >= ACTIVE_SESSION_SECONDS) continue;
    throw new KopiaError(
      "UPGRADE_UNSAFE",
      `another client may be writing: its session marker ${id} is ${ageSeconds} s old; wait for it, or use "repository upgrade begin", which makes all others stop`,
      { details: { blobId: id, ageSeconds } },
    );
  }
}

/** Whether an upgrade stopped because it was interrupted while it waited. */
export function isDrainInterrupted(error: unknown, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && !isKopiaError(error);
}

function ignoreEvent(): void {
  // Nobody asked.
}
