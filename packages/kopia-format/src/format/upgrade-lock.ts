import type { TimeNs } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import { formatGoTime, parseGoTime } from "../base/go-time.ts";
import { FORMAT_VERSIONS } from "./format-parameters.ts";
import type { UpgradeLock } from "./repository-format.ts";

/** Format version that an upgrade leads to: the latest. */
export const UPGRADED_FORMAT_VERSION: number = Math.max(...FORMAT_VERSIONS);

/** Timings of an upgrade lock that are used when none are asked for (spec 1 §2.6). */
export const UPGRADE_LOCK_DEFAULTS = {
  ioDrainTimeoutNs: 900_000_000_000,
  statusPollIntervalNs: 60_000_000_000,
  maxPermittedClockDriftNs: 300_000_000_000,
} as const;

/** A shorter drain may miss clients that still trust a format blob they read before the lock (spec 1 §2.12). */
export const MIN_IO_DRAIN_TIMEOUT_NS = 900_000_000_000;

/** What an upgrade lock is made of. */
export interface UpgradeLockRequest {
  /** Tells this upgrade from all others; must not be empty. */
  readonly ownerId: string;
  /** How long other clients may need to stop. */
  readonly ioDrainTimeoutNs: number;
  /** How often waiting clients look again. */
  readonly statusPollIntervalNs: number;
  readonly maxPermittedClockDriftNs: number;
  /** Format version before the upgrade, for the message to others. */
  readonly fromVersion: number;
}

/**
 * A lock that is in force from now on.
 * @throws KopiaError `FORMAT_INVALID_PARAMETER`.
 */
export function newUpgradeLock(request: UpgradeLockRequest, now: TimeNs): UpgradeLock {
  const { ownerId, fromVersion, ...timings } = request;
  if (ownerId === "") throw invalidLock("no owner-id set, it is required to set a unique owner-id");
  if (!(timings.ioDrainTimeoutNs > 0))
    throw invalidLock("io-drain-timeout is required to be set for the upgrade lock");
  if (!(timings.statusPollIntervalNs <= timings.ioDrainTimeoutNs))
    throw invalidLock("status-poll-interval must be less than or equal to the io-drain-timeout");
  if (!(timings.maxPermittedClockDriftNs > 0))
    throw invalidLock("max-permitted-clock-drift is not set");
  return {
    ownerId,
    creationTime: formatGoTime(now),
    advanceNoticeDurationNs: 0,
    ...timings,
    message: `Upgrading from format version ${fromVersion} -> ${UPGRADED_FORMAT_VERSION}`,
  };
}

/**
 * Whether an upgrade lock is in force (spec 1 §2.6): from the announced time on, less the time that
 * other clients need to notice it.
 * @throws KopiaError `JSON_INVALID` when its creation time is not a time.
 */
export function isUpgradeLocked(lock: UpgradeLock, now: TimeNs): boolean {
  const advanceNs = BigInt(lock.advanceNoticeDurationNs);
  const drainNs = drainTimeNs(lock);
  if (advanceNs < drainNs) return true;
  return now >= parseGoTime(lock.creationTime, "upgradeLock.creationTime") + advanceNs - drainNs;
}

/** When the upgrade itself may begin, all writers having stopped (spec 1 §2.6). */
export function upgradeTime(lock: UpgradeLock): TimeNs {
  const advanceNs = BigInt(lock.advanceNoticeDurationNs);
  const drainNs = drainTimeNs(lock);
  const waitNs = advanceNs > drainNs ? advanceNs : drainNs;
  return parseGoTime(lock.creationTime, "upgradeLock.creationTime") + waitNs;
}

/**
 * Refuses to go on while an upgrade by somebody else is in force.
 * @param ownerId owner ID of our own upgrade, if any.
 * @throws KopiaError `REPOSITORY_UPGRADING`.
 */
export function checkUpgradeLock(
  lock: UpgradeLock | undefined,
  now: TimeNs,
  ownerId: string | undefined,
): void {
  if (lock === undefined || (ownerId !== undefined && ownerId === lock.ownerId)) return;
  if (isUpgradeLocked(lock, now)) throw upgradeInProgress(lock);
}

/** The refusal of a repository that somebody else is upgrading. */
export function upgradeInProgress(lock: UpgradeLock): KopiaError {
  const reason = lock.message === "" ? "" : `: ${lock.message}`;
  return new KopiaError(
    "REPOSITORY_UPGRADING",
    `the repository is being upgraded by ${lock.ownerId || "an unnamed owner"} since ${lock.creationTime}${reason}`,
    { details: { ownerId: lock.ownerId, creationTime: lock.creationTime } },
  );
}

/** An upgrade that should have begun this long ago has been given up by whoever began it. */
const STALE_AFTER_NS = 3600n * 1_000_000_000n;

/** Whether a lock is so old that waiting for its upgrade to finish makes no sense. */
export function isUpgradeLockStale(lock: UpgradeLock, now: TimeNs): boolean {
  return now >= upgradeTime(lock) + STALE_AFTER_NS;
}

function invalidLock(problem: string): KopiaError {
  return new KopiaError("FORMAT_INVALID_PARAMETER", `invalid upgrade lock intent: ${problem}`);
}

function drainTimeNs(lock: UpgradeLock): bigint {
  return BigInt(lock.maxPermittedClockDriftNs) + 2n * BigInt(lock.ioDrainTimeoutNs);
}
