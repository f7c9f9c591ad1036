import {
  ContentIdList,
  NS_PER_SECOND,
  type ContentMarks,
  type Repository,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import { markContents } from "./mark-contents.ts";

/** First byte of the keys of manifests' contents. */
const MANIFEST_PREFIX_BYTE = 0x6d; // "m"
const FLUSH_EVERY = 100_000;
const SETTLE_EVERY = 1_000;

/** Contents counted, with their stored length. */
export interface ContentTotal {
  readonly count: number;
  readonly bytes: number;
}

/** What a garbage collection would do (spec 3 §2.2). */
export interface SnapshotGcPlan {
  readonly snapshotCount: number;
  readonly toDelete: ContentIdList;
  /** In use and marked deleted: a snapshot raced with an earlier collection. */
  readonly toUndelete: ContentIdList;
  /** What the snapshots need; void once the index changes. */
  readonly needed: ContentMarks;
  readonly inUse: ContentTotal;
  readonly inUseSystem: ContentTotal;
  /** Not in use and old enough, those marked before included. */
  readonly unreferenced: ContentTotal;
  /** Those of them that are not marked yet. */
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

/**
 * Decides for every index entry (spec 3 §2.2); changes nothing. Hold the index meanwhile.
 * @throws KopiaError as `markContents`.
 */
export async function planSnapshotGc(input: SnapshotGcInput): Promise<SnapshotGcPlan> {
  const { repository, startTime, minContentAgeNs } = input;
  const { contents: needed, snapshotCount } = await markContents(repository);
  const totals = {
    inUse: emptyTotal(),
    inUseSystem: emptyTotal(),
    unreferenced: emptyTotal(),
    deleted: emptyTotal(),
    unreferencedRecent: emptyTotal(),
    recovered: emptyTotal(),
  };
  const toDelete = new ContentIdList();
  const toUndelete = new ContentIdList();
  // An entry is old enough when startTime - its seconds >= the age: compared in whole seconds, no bigint an entry.
  const newestOldSeconds = Number((startTime - minContentAgeNs) / NS_PER_SECOND);
  repository.contents.visitContents(
    (reader, position) => {
      const bytes = reader.packedLengthAt(position);
      const prefix = reader.bytes[reader.entriesOffsetBytes + position * reader.strideBytes];
      if (prefix === MANIFEST_PREFIX_BYTE) add(totals.inUseSystem, bytes);
      else if (needed.hasEntry(reader, position)) {
        add(totals.inUse, bytes);
        if (!reader.isDeletedAt(position)) return;
        add(totals.recovered, bytes);
        toUndelete.addEntry(reader, position);
      } else if (reader.timestampSecondsAt(position) > newestOldSeconds) {
        add(totals.unreferencedRecent, bytes);
      } else {
        add(totals.unreferenced, bytes);
        if (reader.isDeletedAt(position)) return;
        add(totals.deleted, bytes);
        toDelete.addEntry(reader, position);
      }
    },
    { includeDeleted: true },
  );
  return { snapshotCount, toDelete, toUndelete, needed, ...totals };
}

/** Marks and restores what the plan says. Data stays readable until the deletion watermark passes. */
export async function executeSnapshotGc(
  repository: Repository,
  plan: SnapshotGcPlan,
): Promise<void> {
  if (plan.toDelete.size + plan.toUndelete.size === 0) return;
  await using session = await repository.writeSession();
  const { contents } = session;
  // First what is in use: its loss would be the worse one.
  for (const id of plan.toUndelete) {
    await contents.undeleteContent(id);
    await contents.settle();
  }
  let count = 0;
  for (const id of plan.toDelete) {
    contents.deleteContent(id);
    count++;
    if (count % FLUSH_EVERY === 0) await contents.flush();
    else if (count % SETTLE_EVERY === 0) await contents.settle();
  }
  await session.flush();
}

/** Statistics as the schedule records them (spec 3 §1.2). */
export function snapshotGcStats(plan: SnapshotGcPlan): Record<string, number> {
  return {
    unreferencedContentCount: plan.unreferenced.count,
    unreferencedContentSize: plan.unreferenced.bytes,
    // As in Kopia: those that an earlier collection marked are counted again.
    deletedContentCount: plan.unreferenced.count,
    deletedContentSize: plan.unreferenced.bytes,
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
