import {
  KopiaError,
  NS_PER_SECOND,
  errorMessage,
  type ContentId,
  type Repository,
} from "@kopia-engine/kopia-format";
import type { SafetyParameters } from "../safety-parameters.ts";

/** Packs with less than this share of the full size, in percent, are short (spec 3 §1.8, trap T-9). */
const SHORT_PACK_PERCENT = 60;

/** Contents of short packs. */
export interface RewritePlan {
  readonly shortPackCount: number;
  readonly toRewrite: readonly ContentId[];
  readonly toRewriteBytes: number;
  /** Too young to be moved. */
  readonly retainedCount: number;
  readonly retainedBytes: number;
}

/** Finds contents of short packs, of which there must be two of a kind (spec 3 §1.8); changes nothing. */
export function planRewrite(repository: Repository, safety: SafetyParameters): RewritePlan {
  const { contents, format, clock } = repository;
  const sizes = new Map<string, number>();
  for (const { packBlobId, packedLength } of contents.contents({ includeDeleted: true })) {
    sizes.set(packBlobId, (sizes.get(packBlobId) ?? 0) + packedLength);
  }
  const limit = Math.floor((format.content.maxPackSizeBytes * SHORT_PACK_PERCENT) / 100);
  const byKind = new Map<string, string[]>();
  for (const [packId, size] of sizes) {
    if (size >= limit) continue;
    const kind = packId.slice(0, 1);
    byKind.set(kind, [...(byKind.get(kind) ?? []), packId]);
  }
  const short = new Set([...byKind.values()].filter((packs) => packs.length > 1).flat());
  const plan = { toRewriteBytes: 0, retainedCount: 0, retainedBytes: 0 };
  const toRewrite: ContentId[] = [];
  const now = clock.now();
  for (const entry of contents.contents({ includeDeleted: true })) {
    if (!short.has(entry.packBlobId)) continue;
    if (now - BigInt(entry.timestampSeconds) * NS_PER_SECOND < safety.rewriteMinAgeNs) {
      plan.retainedCount++;
      plan.retainedBytes += entry.packedLength;
      continue;
    }
    toRewrite.push(entry.contentId);
    plan.toRewriteBytes += entry.packedLength;
  }
  return { shortPackCount: short.size, toRewrite, ...plan };
}

/**
 * Writes the contents again into full packs. One that cannot be read fails the task, and nothing of it
 * becomes visible.
 * @throws KopiaError `CONTENT_CORRUPT` with the number of failures.
 */
export async function executeRewrite(repository: Repository, plan: RewritePlan): Promise<void> {
  if (plan.toRewrite.length === 0) return;
  await using session = await repository.writeSession();
  let failedCount = 0;
  let first: unknown;
  for (const id of plan.toRewrite) {
    try {
      await session.contents.rewriteContent(id);
    } catch (error) {
      failedCount++;
      first ??= error;
    }
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
