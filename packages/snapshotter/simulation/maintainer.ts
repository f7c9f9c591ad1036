import { runMaintenance } from "../src/index.ts";
import type { Actor } from "./actor.ts";
import type { MaintainerPlan } from "./world-plan.ts";
import type { World } from "./world.ts";

/** This engine's maintenance, as its owner or, where several disagree, by force. */
export function maintainer(world: World, plan: MaintainerPlan): Actor {
  const contended = world.plan.maintainers.length > 1 || plan.listLagNs > 0;
  return {
    plan,
    acceptable: new Set([
      "MAINTENANCE_REFUSED",
      "MAINTENANCE_NOT_OWNED",
      // What another maintainer moves or removes under its hands it may find missing.
      ...(contended
        ? ["CONTENT_CORRUPT", "CONTENT_NOT_FOUND", "BLOB_NOT_FOUND", "EPOCH_EXPIRED"]
        : []),
    ]),
    async run({ repository, choices }) {
      const mode = choices.pick(["full", "full", "full", "quick", "auto"] as const);
      const allowLargeDeletion = choices.chance(0.8);
      world.tell(plan.name, () => `runs ${mode} maintenance`);
      const outcome = await runMaintenance({
        repository,
        mode,
        force: mode !== "auto",
        allowLargeDeletion,
      });
      world.tell(plan.name, () => `has run: ${outcome}`);
    },
  };
}
