import { mkdirSync } from "node:fs";
import { createWorkplace } from "../run-kopia.ts";
import { compareAll, compareSome } from "./compare-programs.ts";
import { Dice } from "./dice.ts";
import { createSnapshot, randomOperation } from "./operations.ts";
import { randomFormat } from "./random-format.ts";
import { PROGRAMS, World } from "./world.ts";

/** What was done, and the first difference that was found. */
export interface RandomRepositoryResult {
  readonly steps: readonly string[];
  readonly difference: string | undefined;
}

/** Between two looks at everything. */
const OPERATIONS_PER_ROUND = 4;
const ROUNDS = 2;

/**
 * Makes a repository of a random format by one of the two programs, lets both work on it in turn, and
 * compares what they list, verify and restore.
 * @param executable the original program.
 */
export async function runRandomRepository(
  seed: number,
  executable: string,
): Promise<RandomRepositoryResult> {
  using place = createWorkplace();
  const dice = new Dice(seed);
  const world = new World({ place, dice, format: randomFormat(dice), executable });
  try {
    mkdirSync(world.repositoryPath);
    const order = dice.oneIn(2) ? PROGRAMS : PROGRAMS.toReversed();
    await world.connect(order[0] ?? "ours", "create");
    await world.connect(order[1] ?? "theirs", "connect");
    await createSnapshot(world);
    for (let round = 1; round <= ROUNDS; round++) {
      for (let i = 0; i < OPERATIONS_PER_ROUND; i++) await randomOperation(world);
      await (round === ROUNDS ? compareAll(world) : compareSome(world));
    }
    return { steps: world.steps, difference: undefined };
  } catch (error) {
    return { steps: world.steps, difference: String(error) };
  }
}
