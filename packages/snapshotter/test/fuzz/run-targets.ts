import { setImmediate } from "node:timers/promises";
import { isKopiaError } from "@kopia-engine/kopia-format";
import { FuzzDice } from "./fuzz-dice.ts";
import { mutate } from "./mutate.ts";
import { recordedInputs } from "./recorded-inputs.ts";
import { fuzzTargets, type FuzzTarget } from "./targets.ts";

/** What became of one target's runs. */
export interface FuzzReport {
  readonly name: string;
  readonly runs: number;
  /** Of the real inputs, how many were accepted. */
  readonly acceptedSeeds: number;
  readonly accepted: number;
  readonly refused: number;
  /** Codes of the refusals. */
  readonly codes: readonly string[];
  /** Growth of the process's peak memory since the targets were ready, in MiB. */
  readonly peakGrowthMib: number;
  /** The first errors that are not ours, each with the input that gives it. */
  readonly crashes: readonly string[];
}

const MAX_CRASHES = 5;
const RUNS_PER_TURN = 16;

/**
 * Runs every target so many times, each with inputs of its own that depend on the seed alone.
 * @param names empty: all.
 */
export async function* runTargets(options: {
  readonly runs: number;
  readonly seed: number;
  readonly names: readonly string[];
}): AsyncGenerator<FuzzReport> {
  const targets = fuzzTargets(await recordedInputs());
  const wanted = targets.filter(
    ({ name }) => options.names.length === 0 || options.names.includes(name),
  );
  // What real inputs need is no growth.
  const acceptedSeeds = new Map<FuzzTarget, number>();
  for (const target of wanted) {
    let accepted = 0;
    for (const seed of target.seeds) if ((await runOnce(target, seed)) === "accepted") accepted++;
    acceptedSeeds.set(target, accepted);
  }
  const basePeakMib = peakMib();
  for (const [position, target] of wanted.entries()) {
    const seed = options.seed * 1000 + position;
    const report = await runTarget(target, { runs: options.runs, seed, basePeakMib });
    yield { ...report, acceptedSeeds: acceptedSeeds.get(target) ?? 0 };
  }
}

async function runTarget(
  target: FuzzTarget,
  { runs, seed, basePeakMib }: { runs: number; seed: number; basePeakMib: number },
): Promise<Omit<FuzzReport, "acceptedSeeds">> {
  const dice = new FuzzDice(seed);
  const codes = new Set<string>();
  const crashes: string[] = [];
  let accepted = 0;
  for (let i = 0; i < runs; i++) {
    const input = mutate(target.seeds, dice);
    const outcome = await runOnce(target, input);
    // What failed calls of the platform leave to be done later is done only between turns of the event loop.
    if (i % RUNS_PER_TURN === 0) await setImmediate();
    if (outcome === "accepted") accepted++;
    else if (typeof outcome === "string") codes.add(outcome);
    else if (crashes.length < MAX_CRASHES) {
      crashes.push(`${String(outcome.error)} by ${Buffer.from(input).toString("base64")}`);
    }
  }
  return {
    name: target.name,
    runs,
    accepted,
    refused: runs - accepted,
    codes: [...codes].sort(),
    peakGrowthMib: peakMib() - basePeakMib,
    crashes,
  };
}

/** `accepted`, the code of a refusal, or an error that is not ours. */
async function runOnce(
  target: FuzzTarget,
  input: Uint8Array,
): Promise<string | { readonly error: unknown }> {
  try {
    await target.parse(input);
    return "accepted";
  } catch (error) {
    return isKopiaError(error) ? error.code : { error };
  }
}

function peakMib(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}
