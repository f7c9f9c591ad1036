import type { BlobMetadata, Repository } from "@kopia-engine/kopia-format";
import { DEFAULT_BREAKER } from "../maintenance/breaker.ts";
import { indexOptions, indexUpkeep } from "../maintenance/maintenance-cycle.ts";
import { SAFETY, type Safety } from "../maintenance/safety-parameters.ts";
import { loadSchedule } from "../maintenance/schedule-store.ts";
import { assertWholeIndex } from "../maintenance/trusted-storage.ts";
import { planPackDeletion } from "../maintenance/tasks/delete-unreferenced-packs.ts";

/** Packs of both kinds and session markers. */
const PREFIXES = ["p", "q", "s"];

/** Blobs that nothing needs. */
export interface BlobCollectionPlan {
  readonly toDelete: readonly BlobMetadata[];
  /** Unreferenced, but too young or of a session that may be alive. */
  readonly retainedCount: number;
}

/**
 * Finds packs and session markers that nothing needs, by the rules, margins and refusals of maintenance
 * (spec 3 §1.10); changes nothing.
 * @param options `prefix`: only blobs whose name begins so.
 * @throws KopiaError as maintenance: for a session marker that cannot be read, an index that is not whole, more
 *   than the breaker lets vanish; storage errors.
 */
export async function planBlobCollection(
  repository: Repository,
  options: { readonly safety: Safety; readonly prefix?: string },
): Promise<BlobCollectionPlan> {
  const index = await indexOptions(repository);
  const upkeep = indexUpkeep(index);
  await assertWholeIndex(repository, index, { upkeep, isLoadedFromStorage: false });
  const cycle = {
    repository,
    index,
    upkeep,
    safety: SAFETY[options.safety],
    startTime: repository.clock.now(),
    schedule: await loadSchedule(repository),
    breaker: DEFAULT_BREAKER,
    dryRun: false,
    supposed: {},
  };
  const { prefix = "" } = options;
  const { toDelete, retained } = await planPackDeletion(cycle, PREFIXES);
  return {
    toDelete: toDelete.filter(({ id }) => id.startsWith(prefix)),
    retainedCount: retained.filter(({ id }) => id.startsWith(prefix)).length,
  };
}

/** Deletes what the plan says. Interrupted, the rest stays for the next time. */
export async function executeBlobCollection(
  repository: Repository,
  plan: BlobCollectionPlan,
): Promise<void> {
  for (const { id } of plan.toDelete) await repository.storage.delete(id);
}
