import {
  KopiaError,
  NS_PER_SECOND,
  contentIdPrefix,
  type ContentId,
  type Repository,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import { markContents } from "./mark-contents.ts";

const MANIFEST_PREFIX = "m";
const FLUSH_EVERY = 100_000;
const SETTLE_EVERY = 1_000;
/** More than this share of what is live vanishing at once needs to be allowed explicitly. */
const BREAKER_PERCENT = 20;

/** Contents counted, with their stored length. */
export interface ContentTotal {
  readonly count: number;
  readonly bytes: number;
}

/** What a garbage collection would do (spec 3 §2.2). */
export interface SnapshotGcPlan {
  readonly snapshotCount: number;
  readonly toDelete: readonly ContentId[];
  /** In use and marked deleted: a snapshot raced with an earlier collection. */
  readonly toUndelete: readonly ContentId[];
  readonly inUse: ContentTotal;
  readonly inUseSystem: ContentTotal;
  /** Not in use and old enough, those marked before included. */
  readonly unreferenced: ContentTotal;
  readonly deleted: ContentTotal;
  readonly unreferencedRecent: ContentTotal;
  readonly recovered: ContentTotal;
}

/** Input of `planSnapshotGc`. */
export interface SnapshotGcInput {
  readonly repository: Repository;
  /** Storage's time of the maintenance start. */
  readonly startTime: TimeNs;
  readonly minContentAgeNs: bigint;
}

type Mutable = { -readonly [K in keyof ContentTotal]: ContentTotal[K] };

/** Decides for every index entry (spec 3 §2.2); changes nothing. @throws KopiaError as `markContents`. */
export async function planSnapshotGc(input: SnapshotGcInput): Promise<SnapshotGcPlan> {
  const { repository, startTime, minContentAgeNs } = input;
  const { contentIds, snapshotCount } = await markContents(repository);
  const totals = {
    inUse: emptyTotal(),
    inUseSystem: emptyTotal(),
    unreferenced: emptyTotal(),
    deleted: emptyTotal(),
    unreferencedRecent: emptyTotal(),
    recovered: emptyTotal(),
  };
  const toDelete: ContentId[] = [];
  const toUndelete: ContentId[] = [];
  for (const entry of repository.contents.contents({ includeDeleted: true })) {
    const { contentId, packedLength, deleted, timestampSeconds } = entry;
    if (contentIdPrefix(contentId) === MANIFEST_PREFIX) add(totals.inUseSystem, packedLength);
    else if (contentIds.has(contentId)) {
      add(totals.inUse, packedLength);
      if (!deleted) continue;
      add(totals.recovered, packedLength);
      toUndelete.push(contentId);
    } else if (startTime - BigInt(timestampSeconds) * NS_PER_SECOND < minContentAgeNs) {
      add(totals.unreferencedRecent, packedLength);
    } else {
      add(totals.unreferenced, packedLength);
      if (deleted) continue;
      add(totals.deleted, packedLength);
      toDelete.push(contentId);
    }
  }
  return { snapshotCount, toDelete, toUndelete, ...totals };
}

/**
 * Refuses a plan that would mark too much at once: a lost manifest looks just like a deleted snapshot.
 * @throws KopiaError `MAINTENANCE_REFUSED`.
 */
export function assertPlausible(plan: SnapshotGcPlan): void {
  const liveBytes = plan.inUse.bytes + plan.unreferencedRecent.bytes + plan.deleted.bytes;
  if (plan.deleted.bytes * 100 <= liveBytes * BREAKER_PERCENT) return;
  throw new KopiaError(
    "MAINTENANCE_REFUSED",
    `${plan.deleted.count} contents (${plan.deleted.bytes} of ${liveBytes} live bytes) would be marked deleted ` +
      `at once, more than ${BREAKER_PERCENT} %; nothing was changed`,
    { details: { deletedBytes: plan.deleted.bytes, liveBytes } },
  );
}

/** Marks and restores what the plan says. Data stays readable until the deletion watermark passes. */
export async function executeSnapshotGc(
  repository: Repository,
  plan: SnapshotGcPlan,
): Promise<void> {
  if (plan.toDelete.length + plan.toUndelete.length === 0) return;
  await using session = await repository.writeSession();
  const { contents } = session;
  // First what is in use: its loss would be the worse one.
  for (const id of plan.toUndelete) {
    await contents.undeleteContent(id);
    await contents.settle();
  }
  for (const [i, id] of plan.toDelete.entries()) {
    contents.deleteContent(id);
    if (i % FLUSH_EVERY === FLUSH_EVERY - 1) await contents.flush();
    else if (i % SETTLE_EVERY === SETTLE_EVERY - 1) await contents.settle();
  }
  await session.flush();
}

/** Statistics as the schedule records them (spec 3 §1.2). */
export function snapshotGcStats(plan: SnapshotGcPlan): Record<string, number> {
  return {
    unreferencedContentCount: plan.unreferenced.count,
    unreferencedContentSize: plan.unreferenced.bytes,
    deletedContentCount: plan.deleted.count,
    deletedContentSize: plan.deleted.bytes,
    unreferencedRecentContentCount: plan.unreferencedRecent.count,
    unreferencedRecentContentSize: plan.unreferencedRecent.bytes,
    inUseContentCount: plan.inUse.count,
    inUseContentSize: plan.inUse.bytes,
    inUseSystemContentCount: plan.inUseSystem.count,
    inUseSystemContentSize: plan.inUseSystem.bytes,
    recoveredContentCount: plan.recovered.count,
    recoveredContentSize: plan.recovered.bytes,
  };
}

function emptyTotal(): Mutable {
  return { count: 0, bytes: 0 };
}

function add(total: Mutable, bytes: number): void {
  total.count++;
  total.bytes += bytes;
}
