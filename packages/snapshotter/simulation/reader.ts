import { listSnapshots } from "../src/index.ts";
import type { Actor } from "./actor.ts";
import { checkAttempt, repairTorn } from "./check-world.ts";
import { HOUR } from "./simulated-time.ts";
import type { ClientPlan } from "./world-plan.ts";
import { WorldFailure, type World } from "./world.ts";

/** Opens the repository, waits for up to half a day, and then restores a snapshot it saw before. */
export function reader(world: World, plan: ClientPlan): Actor {
  return {
    plan,
    async run({ repository, storage, choices }, wait) {
      const snapshots = await listSnapshots(repository.manifests);
      const complete = snapshots.filter(({ incompleteReason }) => incompleteReason === "");
      if (complete.length === 0) return;
      const snapshot = choices.pick(complete);
      await wait(choices.between(0, 12) * HOUR);
      const attempt = world.ledger.find(snapshot.description);
      if (attempt === undefined || world.closing) return;
      world.tell(plan.name, () => `restores ${attempt.id}`);
      try {
        await checkAttempt(repository, snapshot, attempt);
      } catch (error) {
        // It may have been deleted meanwhile.
        const isPromised = world.ledger.promised().includes(attempt);
        if (error instanceof WorldFailure && (storage.disturbed || !isPromised)) return;
        // The original's compaction was half stored: no data is lost, but somebody has to remove it.
        if (error instanceof WorldFailure && repairTorn(world, error.cause)) return;
        throw error;
      }
    },
  };
}
