import { expect, test } from "vitest";
import { runMaintenanceRounds } from "./random/maintenance-rounds.ts";

const executable = process.env["KOPIA_EXE"] ?? "";
/** `MAINTENANCE_ROUNDS=50` for a long run; `RANDOM_SEED` chooses another one. */
const SHORT = 2;
const rounds = Number(process.env["MAINTENANCE_ROUNDS"] ?? SHORT);
const seed = Number(process.env["RANDOM_SEED"] ?? 1);

test.skipIf(executable === "").each([
  { formatVersion: 3, ages: false },
  { formatVersion: 3, ages: true },
  { formatVersion: 1, ages: true },
])(
  "both programs maintain one repository in turn, and every snapshot stays (%o; needs KOPIA_EXE)",
  { timeout: 60_000 + 180_000 * rounds },
  async (options) => {
    const result = await runMaintenanceRounds({
      ...options,
      seed,
      rounds,
      executable,
      ...(rounds > SHORT && { onRound: (message) => console.log(message) }),
    });
    expect(result.difference, result.steps.join("\n")).toBeUndefined();
    expect(result.restoreCount).toBeGreaterThan(0);
  },
);
