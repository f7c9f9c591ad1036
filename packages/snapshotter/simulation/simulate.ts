import { live } from "./actor.ts";
import { checkGarbage, closeWorld } from "./close-world.ts";
import { maintainer } from "./maintainer.ts";
import { originalMaintainer } from "./original-maintainer.ts";
import { ORIGINAL_RULES, type OriginalRules } from "./original-rules.ts";
import { reader } from "./reader.ts";
import { repositoryTemplate } from "./repository-template.ts";
import { SeededChoices } from "./seeded-choices.ts";
import { KEEP_LATEST } from "./snapshot-ledger.ts";
import { planWorld, type PlanOverrides, type WorldPlan } from "./world-plan.ts";
import { World } from "./world.ts";
import { writer } from "./writer.ts";
import {
  DEFAULT_MAINTENANCE_PARAMETERS,
  GLOBAL_TARGET,
  EMPTY_POLICY,
  setMaintenanceParameters,
  setPolicy,
} from "../src/index.ts";

/** How a seed is run. */
export interface SimulationOptions {
  /** Fixes parts of the world. */
  readonly overrides?: PlanOverrides;
  /** Rules of the maintainers of kind `original`, with a defect planted. */
  readonly rules?: OriginalRules;
  /** Told what happens. */
  readonly log?: (line: string) => void;
}

/** What one seed came to. */
export interface SimulationResult {
  readonly seed: number;
  readonly plan: WorldPlan;
  /** `undefined`: everything held. */
  readonly failure: Error | undefined;
  readonly snapshotCount: number;
  readonly crashCount: number;
  readonly operationCount: number;
  /** How often what happened. */
  readonly tally: ReadonlyMap<string, number>;
}

/** Lets one world live from its seed, and says whether it lost anything. Never throws for what it finds. */
export async function simulate(
  seed: number,
  options: SimulationOptions = {},
): Promise<SimulationResult> {
  const choices = new SeededChoices(seed);
  const plan = planWorld(choices.fork("plan"), options.overrides);
  const world = new World(plan, await repositoryTemplate(plan), options.log);
  let failure: Error | undefined;
  try {
    await populate(world, choices.fork("start"));
    spawnActors(world, choices, options.rules ?? ORIGINAL_RULES);
    await world.time.run(world.time.now + BigInt(Math.round(plan.durationNs)));
    await closeWorld(world, choices.fork("close"));
    if (plan.checksGarbage && plan.scheme === "epochs")
      await checkGarbage(world, choices.fork("garbage"));
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    world.tell("simulation", () => `FAILS: ${failure?.message}`);
  }
  const { attempts } = world.ledger;
  return {
    seed,
    plan,
    failure,
    snapshotCount: attempts.filter(({ completed }) => completed).length,
    crashCount: world.crashCount,
    operationCount: world.operationCount,
    tally: world.tally,
  };
}

/** The policy and the maintenance parameters that every client relies on. */
async function populate(world: World, choices: SeededChoices): Promise<void> {
  const repository = await world.observe(choices, "creator");
  await using session = await repository.writeSession();
  await setPolicy(session.manifests, GLOBAL_TARGET, {
    ...EMPTY_POLICY,
    retention: {
      keepLatest: KEEP_LATEST,
      keepHourly: 0,
      keepDaily: 0,
      keepWeekly: 0,
      keepMonthly: 0,
      keepAnnual: 0,
    },
  });
  const owner = `${world.plan.maintainers[0]?.name ?? ""}@host`;
  await setMaintenanceParameters(session.manifests, { ...DEFAULT_MAINTENANCE_PARAMETERS, owner });
  await session.flush();
}

function spawnActors(world: World, choices: SeededChoices, rules: OriginalRules): void {
  const { plan } = world;
  const actors = [
    ...plan.writers.map((client) => writer(world, client)),
    ...plan.readers.map((client) => reader(world, client)),
    ...plan.maintainers.map((client) =>
      client.kind === "ours" ? maintainer(world, client) : originalMaintainer(world, client, rules),
    ),
  ];
  for (const actor of actors) live(world, actor, choices.fork(actor.plan.name));
}
