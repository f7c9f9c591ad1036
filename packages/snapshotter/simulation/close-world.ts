import { toUnixSeconds, type Repository } from "@kopia-engine/kopia-format";
import { createSnapshot, runMaintenance } from "../src/index.ts";
import { checkSnapshots, repairTorn } from "./check-world.ts";
import type { SeededChoices } from "./seeded-choices.ts";
import { DAY, HOUR } from "./simulated-time.ts";
import { SourceTree } from "./source-tree.ts";
import { MAX_LATE_NS } from "./world-plan.ts";
import { WorldFailure, type World } from "./world.ts";

/** Full cycles that are enough for whatever is garbage now: marking, two confirmations, deletion, spare ones. */
const CLEANING_DAYS = 8;
/** What is unused for so many cycles must be gone: they rewrite and delete in turn, and spare what is young. */
const PATIENCE_DAYS = 3;

/** Ends the world: everybody stops, what is under way ends. @throws WorldFailure when something is lost. */
export async function closeWorld(world: World, choices: SeededChoices): Promise<void> {
  const { time } = world;
  world.closing = true;
  await time.run(time.now + BigInt(MAX_LATE_NS + HOUR));
  await checkSnapshots(world, choices);
}

/**
 * Lets maintenance run daily and undisturbed. Then every snapshot must still be whole, and the garbage gone.
 * @throws WorldFailure
 */
export async function checkGarbage(world: World, choices: SeededChoices): Promise<void> {
  const { time } = world;
  const tree = new SourceTree("closer");
  let unused: readonly string[] = [];
  for (let day = 0; day < CLEANING_DAYS; day++) {
    await time.run(time.now + BigInt(DAY + HOUR));
    if (day === CLEANING_DAYS - PATIENCE_DAYS) unused = await unusedBlobs(world, choices);
    if (day % 4 === 0) {
      tree.change(choices, toUnixSeconds(time.now));
      await repaired(world, choices, (repository) => backUpOnce(repository, tree));
    }
    await repaired(world, choices, async (repository) => {
      await runMaintenance({
        repository,
        mode: "full",
        force: true,
        allowLargeDeletion: true,
      });
    });
  }
  await checkSnapshots(world, choices);
  const stillUnused = await unusedBlobs(world, choices);
  const garbage = unused.filter((id) => stillUnused.includes(id));
  if (garbage.length > 0) {
    throw new WorldFailure(`${garbage.length} unused blobs stay for ever, such as ${garbage[0]}`);
  }
}

async function backUpOnce(repository: Repository, tree: SourceTree): Promise<void> {
  await using session = await repository.writeSession();
  await createSnapshot(session, {
    source: { userName: "closer", host: "host", path: "/closer" },
    path: tree.path,
    description: "closing",
    timeZone: "UTC",
    parallelFileReads: 1,
  });
  await session.flush();
}

async function repaired(
  world: World,
  choices: SeededChoices,
  act: (repository: Repository) => Promise<void>,
): Promise<void> {
  for (;;) {
    try {
      await act(await world.observe(choices, "closer"));
      return;
    } catch (error) {
      if (repairTorn(world, error)) continue;
      throw new WorldFailure(`undisturbed work fails: ${String(error)}`, { cause: error });
    }
  }
}

/** Packs and session markers that nothing needs. */
async function unusedBlobs(world: World, choices: SeededChoices): Promise<string[]> {
  const repository = await world.observe(choices);
  const used = new Set<string>();
  for (const { packBlobId } of repository.contents.contents({ includeDeleted: true })) {
    used.add(packBlobId);
  }
  return ["p", "q", "s"]
    .flatMap((prefix) => world.shared.list(prefix))
    .map(({ id }) => id)
    .filter((id) => !used.has(id));
}
