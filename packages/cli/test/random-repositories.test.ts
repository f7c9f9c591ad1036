import { expect, test } from "vitest";
import { runRandomRepository } from "./random/random-repository.ts";

const executable = process.env["KOPIA_EXE"] ?? "";
/** `RANDOM_REPOSITORIES=200` for a long run; `RANDOM_SEED` is the first seed. */
const count = Number(process.env["RANDOM_REPOSITORIES"] ?? 2);
const firstSeed = Number(process.env["RANDOM_SEED"] ?? 1);
const seeds = Array.from({ length: count }, (_, i) => firstSeed + i);

test.skipIf(executable === "").each(seeds)(
  "both programs agree on the random repository %i (needs KOPIA_EXE)",
  { timeout: 1_800_000 },
  async (seed) => {
    const { steps, difference } = await runRandomRepository(seed, executable);
    expect(difference, steps.join("\n")).toBeUndefined();
  },
);
