import { mkdirSync } from "node:fs";
import { createWorkplace } from "../run-kopia.ts";
import { compareAll, compareRestore, listSnapshots } from "./compare-programs.ts";
import { Dice } from "./dice.ts";
import { createSnapshot, grow } from "./operations.ts";
import type { RandomRepositoryResult } from "./random-repository.ts";
import { PROGRAMS, World } from "./world.ts";

/** What is run. */
export interface MaintenanceRoundsOptions {
  readonly seed: number;
  readonly rounds: number;
  /** The original program. */
  readonly executable: string;
  /** 3, or 1 for the older index scheme. */
  readonly formatVersion: number;
  /** Blobs become older now and then, so that epochs end; otherwise the clock is left alone. */
  readonly ages: boolean;
  /** Told after each round. */
  readonly onRound?: (message: string) => void;
}

/** Epochs as short as they may be. */
const SHORT_EPOCHS = [
  "--epoch-refresh-frequency=1m",
  "--epoch-min-duration=10m",
  "--epoch-cleanup-safety-margin=1h",
  "--epoch-advance-on-count=10",
  "--epoch-checkpoint-frequency=2",
];

/**
 * Rounds of random snapshots, deletions and maintenance without and with margins, by both programs in turn.
 * After each round everything that both list is compared, both read every entry of every index blob and check every
 * content alike, and every snapshot is restored by both and compared with what it was made of.
 */
export async function runMaintenanceRounds(
  options: MaintenanceRoundsOptions,
): Promise<RandomRepositoryResult & { readonly restoreCount: number }> {
  using place = createWorkplace();
  const dice = new Dice(options.seed);
  const version = options.formatVersion;
  const format = { version, flags: [`--format-version=${version}`], storageFlags: [] };
  const world = new World({ place, dice, format, executable: options.executable });
  let restoreCount = 0;
  try {
    mkdirSync(world.repositoryPath);
    await world.connect("theirs", "create");
    await world.connect("ours", "connect");
    await world.run("ours", "policy", "set", "--global", "--keep-latest=3", "--compression=zstd");
    if (version > 1) await world.run("ours", "repository", "set-parameters", ...SHORT_EPOCHS);
    for (let round = 0; round < options.rounds; round++) {
      await changeRepository(world);
      if (options.ages && dice.oneIn(3)) await grow(world);
      await maintain(world, round);
      await compareAll(world);
      for (const { id } of await listSnapshots(world)) {
        await compareRestore(world, "theirs", id);
        restoreCount++;
      }
      options.onRound?.(
        `round ${round + 1}: ${world.steps.length} commands, ${restoreCount} snapshots restored twice`,
      );
    }
    return { steps: world.steps, difference: undefined, restoreCount };
  } catch (error) {
    return { steps: world.steps, difference: String(error), restoreCount };
  }
}

async function changeRepository(world: World): Promise<void> {
  for (let i = 1 + world.dice.below(3); i > 0; i--) await createSnapshot(world);
  for (let i = world.dice.below(3); i > 0; i--) {
    const snapshots = await listSnapshots(world);
    if (snapshots.length < 2) return;
    await world.either("snapshot", "delete", world.dice.one(snapshots).id, "--delete");
  }
}

async function maintain(world: World, round: number): Promise<void> {
  const first = PROGRAMS[round % 2] ?? "ours";
  const full = ["maintenance", "run", "--full"];
  if (world.dice.oneIn(2)) await world.either("maintenance", "run");
  if (world.dice.oneIn(2)) await world.either(...full);
  await world.run(first, ...full, "--safety=none");
  if (world.dice.oneIn(3)) await world.either(...full);
  if (world.dice.oneIn(3)) await world.either(...full, "--safety=none");
}
