import {
  ContentIdList,
  KopiaError,
  NS_PER_SECOND,
  errorMessage,
  toUnixSeconds,
  type ContentId,
  type Repository,
} from "@kopia-engine/kopia-format";
import { readInOrder } from "../read-in-order.ts";
import type { Cycle } from "../maintenance-cycle.ts";
import type { MaintenanceTask } from "../maintenance-task.ts";
import { refreshTrusted } from "../trusted-storage.ts";

/** Packs with less than this share of the full size, in percent, are short (spec 3 §1.8, trap T-9). */
const SHORT_PACK_PERCENT = 60;

/** Packs in flight are bounded at least this often. */
const SETTLE_BYTES = 2 ** 20;

/** Contents of short packs. */
export interface RewritePlan {
  readonly shortPacks: ReadonlySet<string>;
  /** Pack by pack. */
  readonly toRewrite: Iterable<ContentId> & { readonly size: number };
  readonly toRewriteBytes: number;
  /** Too young to be moved. */
  readonly retainedCount: number;
  readonly retainedBytes: number;
}

/** Rewrites packs of both kinds. */
export const rewriteAllContents: MaintenanceTask<RewritePlan> = rewriteTask("full", ["p", "q"]);
/** Rewrites packs of metadata. */
export const rewriteMetadata: MaintenanceTask<RewritePlan> = rewriteTask("quick", ["q"]);

function rewriteTask(
  name: "full" | "quick",
  kinds: readonly string[],
): MaintenanceTask<RewritePlan> {
  return {
    name: `${name}-rewrite-contents`,
    kind: "rewriteContentsStats",
    isVerified: true,
    plan: (cycle) => Promise.resolve(planRewrite(cycle, kinds)),
    describe(plan, { repository, supposed }) {
      supposed.moved ??= repository.contents.createMarks();
      for (const id of plan.toRewrite) supposed.moved.mark(id);
      const lines = [
        `move ${plan.toRewrite.size} contents (${plan.toRewriteBytes} bytes) of ${plan.shortPacks.size} short packs into new ones`,
        `leave ${plan.retainedCount} contents of short packs that are too recent (${plan.retainedBytes} bytes)`,
      ];
      const details = {
        ...rewriteStats(plan),
        shortPacks: [...plan.shortPacks],
        movedContents: [...plan.toRewrite],
      };
      return { lines, details };
    },
    async execute(plan, cycle) {
      await executeRewrite(cycle.repository, plan, cycle.ignoreRewriteErrors);
      await refreshTrusted(cycle);
      return rewriteStats(plan);
    },
  };
}

/** Finds contents of short packs, of which there must be two of a kind (spec 3 §1.8); changes nothing. */
export function planRewrite(
  cycle: Pick<Cycle, "repository" | "safety" | "supposed">,
  kinds: readonly string[],
): RewritePlan {
  const { contents, format, clock } = cycle.repository;
  const limit = Math.floor((format.content.maxPackSizeBytes * SHORT_PACK_PERCENT) / 100);
  const shortPacks = findShortPacks(cycle, kinds, limit);
  const total = { toRewriteBytes: 0, retainedCount: 0, retainedBytes: 0 };
  const toRewrite = new IdsByPack();
  const now = clock.now();
  const newestOldSeconds = Number((now - cycle.safety.rewriteMinAgeNs) / NS_PER_SECOND);
  const { marked } = cycle.supposed;
  const nowSeconds = toUnixSeconds(now);
  contents.visitContents(
    (reader, position) => {
      const packBlobId = reader.packBlobIdAt(position);
      if (!shortPacks.has(packBlobId)) return;
      const bytes = reader.packedLengthAt(position);
      const isMarked = marked?.hasEntry(reader, position) ?? false;
      const seconds = isMarked ? nowSeconds : reader.timestampSecondsAt(position);
      if (seconds > newestOldSeconds) {
        total.retainedCount++;
        total.retainedBytes += bytes;
      } else {
        toRewrite.of(packBlobId).addEntry(reader, position);
        total.toRewriteBytes += bytes;
      }
    },
    { includeDeleted: true },
  );
  return { shortPacks, toRewrite, ...total };
}

/** Content IDs by pack, so that each pack is read once. */
class IdsByPack {
  readonly #packs = new Map<string, ContentIdList>();

  get size(): number {
    return [...this.#packs.values()].reduce((sum, { size }) => sum + size, 0);
  }

  of(packBlobId: string): ContentIdList {
    let ids = this.#packs.get(packBlobId);
    if (ids === undefined) this.#packs.set(packBlobId, (ids = new ContentIdList()));
    return ids;
  }

  *[Symbol.iterator](): Generator<ContentId, void, undefined> {
    for (const ids of this.#packs.values()) yield* ids;
  }
}

function findShortPacks(
  { repository }: Pick<Cycle, "repository">,
  kinds: readonly string[],
  limitBytes: number,
): Set<string> {
  const sizes = new Map<string, { bytes: number; count: number }>();
  repository.contents.visitContents(
    (reader, position) => {
      const packId = reader.packBlobIdAt(position);
      let size = sizes.get(packId);
      if (size === undefined) sizes.set(packId, (size = { bytes: 0, count: 0 }));
      size.bytes += reader.packedLengthAt(position);
      size.count++;
    },
    { includeDeleted: true },
  );
  const short = new Set<string>();
  // However small they are: they would be written into just such packs again, for ever (docs/decisions/0022).
  const fullCount = (repository.contents.maxPackContents * SHORT_PACK_PERCENT) / 100;
  for (const kind of kinds) {
    const packs = [...sizes].filter(
      ([id, { bytes, count }]) => bytes < limitBytes && count < fullCount && id.startsWith(kind),
    );
    if (packs.length > 1) for (const [id] of packs) short.add(id);
  }
  return short;
}

/**
 * Writes the contents again into full packs. One that cannot be read fails the task, and nothing of it
 * becomes visible.
 * @throws KopiaError `CONTENT_CORRUPT` with the number of failures.
 */
export async function executeRewrite(
  repository: Repository,
  plan: { readonly toRewrite: Iterable<ContentId> & { readonly size: number } },
  ignoreDeleted: boolean,
): Promise<void> {
  if (plan.toRewrite.size === 0) return;
  await using session = await repository.writeSession({ forgetsFlushed: true });
  let failedCount = 0;
  let first: unknown;
  let sinceSettled = 0;
  for await (const { id, atHand } of readInOrder(repository, plan.toRewrite)) {
    try {
      await session.contents.rewriteContent(id, atHand);
    } catch (error) {
      const isDeleted = session.contents.getContentInfo(id)?.deleted ?? false;
      if (ignoreDeleted && isDeleted) continue;
      failedCount++;
      first ??= error;
    }
    sinceSettled += atHand?.bytes.length ?? SETTLE_BYTES;
    if (sinceSettled < SETTLE_BYTES) continue;
    sinceSettled = 0;
    await session.contents.settle();
  }
  if (failedCount > 0) {
    throw new KopiaError(
      "CONTENT_CORRUPT",
      `failed to rewrite ${failedCount} contents: ${errorMessage(first)}`,
      { details: { failedCount }, cause: first },
    );
  }
  await session.flush();
}

function rewriteStats(plan: RewritePlan): Record<string, number> {
  return {
    toRewriteContentCount: plan.toRewrite.size,
    toRewriteContentSize: plan.toRewriteBytes,
    rewrittenContentCount: plan.toRewrite.size,
    rewrittenContentSize: plan.toRewriteBytes,
    retainedContentCount: plan.retainedCount,
    retainedContentSize: plan.retainedBytes,
  };
}
