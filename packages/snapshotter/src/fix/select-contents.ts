import {
  ContentIdList,
  NS_PER_SECOND,
  isContentId,
  isInContentIdRange,
  type ContentEntry,
  type ContentId,
  type ContentIdRange,
  type Repository,
} from "@kopia-engine/kopia-format";
import { executeRewrite, planRewrite } from "../maintenance/tasks/rewrite-contents.ts";
import { SAFETY, type Safety } from "../maintenance/safety-parameters.ts";

/** Which contents `rewriteContents` writes again; what several ways choose is written once. */
export interface RewriteSelection {
  readonly contentIds: readonly ContentId[];
  /** Contents of packs with less than 60 % of the full size. */
  readonly shortPacks?: boolean;
  /** Contents of this format version. */
  readonly formatVersion?: number;
  /** Only from packs whose name begins so; not for `contentIds`. */
  readonly packPrefix?: string;
  /** Only contents in this range; not for `contentIds`. */
  readonly range?: ContentIdRange;
  /** Younger contents are left alone, as their writer may be at work (spec 3 §1.7). */
  readonly safety: Safety;
}

/** What is to be written again. */
export interface ContentRewritePlan {
  readonly contentIds: Iterable<ContentId> & { readonly size: number };
  readonly packedBytes: number;
  /** Too young to be moved. */
  readonly retainedCount: number;
}

/** Chooses contents to be written again (spec 3 §6.9); changes nothing. */
export function planContentRewrite(
  repository: Repository,
  selection: RewriteSelection,
): ContentRewritePlan {
  const { contents, clock } = repository;
  const { rewriteMinAgeNs } = SAFETY[selection.safety];
  const now = clock.now();
  // Named ones may be anything; of the others there may be millions.
  const named = new Set<ContentId>();
  const selected = new ContentIdList();
  let packedBytes = 0;
  let retainedCount = 0;
  const isOldEnough = (entry: ContentEntry): boolean => {
    const ageNs = now - BigInt(entry.timestampSeconds) * NS_PER_SECOND;
    if (ageNs < rewriteMinAgeNs) retainedCount++;
    else packedBytes += entry.packedLength;
    return ageNs >= rewriteMinAgeNs;
  };
  for (const id of new Set(selection.contentIds)) {
    const entry = isContentId(id) ? contents.getContentInfo(id) : undefined;
    // One that is not there fails when it is written, together with others.
    if (entry === undefined || isOldEnough(entry)) named.add(id);
  }
  for (const id of idsBySelection(repository, selection)) {
    const entry = contents.getContentInfo(id);
    if (entry === undefined || named.has(id) || !isWanted(entry, selection)) continue;
    if (isOldEnough(entry)) selected.add(id);
  }
  return { contentIds: joined(named, selected), packedBytes, retainedCount };
}

function joined(
  named: ReadonlySet<ContentId>,
  selected: ContentIdList,
): ContentRewritePlan["contentIds"] {
  return {
    size: named.size + selected.size,
    *[Symbol.iterator]() {
      yield* named;
      yield* selected;
    },
  };
}

/**
 * Writes contents again into new packs. One that cannot be read fails all, and nothing becomes visible.
 * @throws KopiaError `CONTENT_CORRUPT` with the number of failures, storage errors.
 */
export async function executeContentRewrite(
  repository: Repository,
  plan: ContentRewritePlan,
): Promise<void> {
  await executeRewrite(repository, { toRewrite: plan.contentIds }, false);
}

/** An ID may come twice, which writes a content twice and does no harm. */
function* idsBySelection(
  repository: Repository,
  { shortPacks = false, formatVersion }: RewriteSelection,
): Generator<ContentId> {
  if (shortPacks) {
    const cycle = { repository, safety: SAFETY.none, supposed: {} };
    yield* planRewrite(cycle, ["p", "q"]).toRewrite;
  }
  if (formatVersion === undefined) return;
  for (const entry of repository.contents.contents({ includeDeleted: true })) {
    if (entry.formatVersion === formatVersion) yield entry.contentId;
  }
}

function isWanted(entry: ContentEntry, { packPrefix = "", range }: RewriteSelection): boolean {
  return (
    entry.packBlobId.startsWith(packPrefix) &&
    (range === undefined || isInContentIdRange(entry.contentId, range))
  );
}
