import { isKopiaError } from "@kopia-engine/kopia-format";
import { checkSnapshots, repairTorn } from "./check-world.ts";
import type { SeededChoices } from "./seeded-choices.ts";
import type { ClientPlan } from "./world-plan.ts";
import { WorldFailure, type ClientProcess, type World } from "./world.ts";

/** Somebody who starts a program at intervals. */
export interface Actor {
  readonly plan: ClientPlan;
  /** One run of the program. */
  run(process: ClientProcess, wait: (durationNs: number) => Promise<void>): Promise<void>;
  /** Error codes that are an answer, though nothing went wrong with the storage. */
  readonly acceptable?: ReadonlySet<string>;
}

/** Lets an actor live until the world closes: run, perhaps die, wait, run again. */
export function live(world: World, actor: Actor, choices: SeededChoices): void {
  const { plan } = actor;
  world.time.spawn(async (wait) => {
    await wait(choices.between(0, 0.5) * plan.intervalNs);
    while (!world.closing) {
      await runOnce(world, actor, { wait, choices: choices.fork(String(world.time.now)) });
      await wait(choices.between(0.3, 1.7) * plan.intervalNs);
    }
  });
}

async function runOnce(
  world: World,
  actor: Actor,
  { wait, choices }: { wait: (durationNs: number) => Promise<void>; choices: SeededChoices },
): Promise<void> {
  const { name } = actor.plan;
  let process: ClientProcess | undefined;
  const started = world.startProcess(actor.plan, wait, choices);
  try {
    process = await started.open();
    await actor.run(process, wait);
    if (world.plan.checksOften) await checkSnapshots(world, choices.fork("often"));
  } catch (error) {
    if (error instanceof WorldFailure) throw error;
    world.tell(name, () => `ends with ${String(error)}`);
    if (world.closing || repairTorn(world, error)) return;
    const { killed, disturbed } = started.storage;
    if (killed) {
      await checkSnapshots(world, choices.fork("crash"));
    } else if (!disturbed && !(isKopiaError(error) && actor.acceptable?.has(error.code) === true)) {
      throw new WorldFailure(`${name} failed though nothing went wrong: ${String(error)}`, {
        cause: error,
      });
    }
  }
}
