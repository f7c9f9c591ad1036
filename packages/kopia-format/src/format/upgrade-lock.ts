import type { TimeNs } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import { parseGoTime } from "../base/go-time.ts";
import type { UpgradeLock } from "./repository-format.ts";

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
  if (!isUpgradeLocked(lock, now)) return;
  const reason = lock.message === "" ? "" : `: ${lock.message}`;
  throw new KopiaError(
    "REPOSITORY_UPGRADING",
    `the repository is being upgraded by ${lock.ownerId || "an unnamed owner"} since ${lock.creationTime}${reason}`,
    { details: { ownerId: lock.ownerId, creationTime: lock.creationTime } },
  );
}

function drainTimeNs(lock: UpgradeLock): bigint {
  return BigInt(lock.maxPermittedClockDriftNs) + 2n * BigInt(lock.ioDrainTimeoutNs);
}
