import { afterAll, afterEach, expect, test } from "vitest";
import { PLANTED_DEFECTS, PLANTED_MARGINS, crowdedWorld } from "../simulation/planted-defects.ts";
import { simulate, type SimulationOptions } from "../simulation/simulate.ts";
import { removeSourceTrees } from "../simulation/source-tree.ts";
import { SAFETY } from "../src/index.ts";

/** Seeds of every run of the suite; more with `SIMULATION_SEEDS`, many more with the `simulate` script. */
const SEEDS = Number(process.env["SIMULATION_SEEDS"] ?? 60);
/** What goes wrong at an operation: each kind must happen, else nothing is said of it. */
const TROUBLES = [
  "slow operations",
  "stood still for days",
  "failed operations",
  "failed operations, yet done",
  "compactions stored in part",
  "deaths, effect of the operation: none",
  "deaths, effect of the operation: whole",
  "deaths, effect of the operation: late",
  "deaths, effect of the operation: torn",
];
/** A planted defect must show within so many seeds. */
const SEEDS_TO_CATCH = 80;

const FULL_SAFETY = { ...SAFETY.full };

afterEach(() => {
  Object.assign(SAFETY.full, FULL_SAFETY);
});
afterAll(removeSourceTrees);

/** The first seed that fails, and how. */
async function firstFailure(
  optionsOf: () => SimulationOptions,
): Promise<{ seed: number; message: string } | undefined> {
  for (let seed = 0; seed < SEEDS_TO_CATCH; seed++) {
    const { failure } = await simulate(seed, optionsOf());
    if (failure !== undefined) return { seed, message: failure.message };
  }
  return undefined;
}

test(`nothing is lost in ${SEEDS} worlds whatever goes wrong, and garbage goes`, async () => {
  let snapshotCount = 0;
  let crashCount = 0;
  const seen = new Set<string>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const result = await simulate(seed);
    expect(result.failure, `replay: pnpm simulate --seed ${seed}`).toBeUndefined();
    snapshotCount += result.snapshotCount;
    crashCount += result.crashCount;
    for (const what of result.tally.keys()) seen.add(what);
  }
  expect(TROUBLES.filter((what) => !seen.has(what))).toEqual([]);
  expect(snapshotCount).toBeGreaterThan(2 * SEEDS);
  expect(crashCount).toBeGreaterThan(SEEDS / 5);
}, 600_000);

test("a seed tells the same story every time", async () => {
  const tell = async (): Promise<string[]> => {
    const lines: string[] = [];
    await simulate(7, { log: (line) => lines.push(line) });
    return lines;
  };
  const story = await tell();
  expect(story.length).toBeGreaterThan(40);
  expect(await tell()).toEqual(story);
});

test.each(PLANTED_DEFECTS)(
  "the simulation catches: $name",
  async ({ rules }) => {
    const caught = await firstFailure(() => ({
      rules: rules(),
      overrides: crowdedWorld("original"),
    }));
    expect(caught).toBeDefined();
  },
  300_000,
);

test.each(PLANTED_MARGINS)(
  "without a margin of this engine's maintenance the simulation catches: $name",
  async ({ safety, crowd }) => {
    Object.assign(SAFETY.full, safety);
    const caught = await firstFailure(() => ({ overrides: crowdedWorld("ours", crowd) }));
    expect(caught).toBeDefined();
  },
  300_000,
);
