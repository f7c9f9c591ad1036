import { parseArgs } from "node:util";
import { systemClock } from "@kopia-engine/kopia-format";
import { simulate, type SimulationResult } from "./simulate.ts";
import { DAY } from "./simulated-time.ts";
import { removeSourceTrees } from "./source-tree.ts";
import type { WorldPlan } from "./world-plan.ts";

/** `simulate --seeds N [--from S]`: how many worlds hold; `simulate --seed X`: what happens in one. */
async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string", default: "0" },
      seed: { type: "string" },
    },
  });
  if (values.seed !== undefined) return replay(Number(values.seed));
  return run(Number(values.from), Number(values.seeds));
}

async function replay(seed: number): Promise<number> {
  const { plan, failure } = await simulate(seed, { log: print });
  print(JSON.stringify(plan, undefined, 1));
  print(failure === undefined ? `seed ${seed} holds` : `seed ${seed} fails: ${failure.stack}`);
  return failure === undefined ? 0 : 1;
}

const PROGRESS_SEEDS = 500;

async function run(from: number, count: number): Promise<number> {
  const started = systemClock.now();
  const failed: SimulationResult[] = [];
  const sum = { snapshots: 0, crashes: 0, operations: 0 };
  const tally = new Map<string, number>();
  const add = (what: string, by: number): void => void tally.set(what, (tally.get(what) ?? 0) + by);
  for (let seed = from; seed < from + count; seed++) {
    const result = await simulate(seed);
    sum.snapshots += result.snapshotCount;
    sum.crashes += result.crashCount;
    sum.operations += result.operationCount;
    for (const [what, times] of result.tally) add(what, times);
    for (const [what, times] of describePlan(result.plan)) add(what, times);
    if ((seed - from) % PROGRESS_SEEDS === PROGRESS_SEEDS - 1)
      print(`${seed - from + 1} seeds done`);
    if (result.failure === undefined) continue;
    failed.push(result);
    print(`seed ${seed}: ${result.failure.message}`);
  }
  const seconds = Number(systemClock.now() - started) / 1e9;
  print(
    `${count} seeds from ${from}: ${failed.length} failed; ${sum.snapshots} snapshots, ${sum.crashes} crashes, ` +
      `${sum.operations} storage operations in ${seconds.toFixed(1)} s (${(count / seconds).toFixed(1)} seeds/s)`,
  );
  for (const [what, times] of [...tally].sort(([a], [b]) => (a < b ? -1 : 1))) {
    print(`  ${Math.round(times).toLocaleString("en").padStart(12)} ${what}`);
  }
  if (failed[0] !== undefined) print(`replay: npx -y pnpm@12 simulate --seed ${failed[0].seed}`);
  return failed.length === 0 ? 0 : 1;
}

/** What kind of world it was. */
function describePlan(plan: WorldPlan): [string, number][] {
  const clients = [...plan.writers, ...plan.readers, ...plan.maintainers];
  const kinds = new Set(plan.maintainers.map(({ kind }) => kind));
  const days = plan.durationNs / DAY;
  return [
    ["simulated days", days],
    [`worlds of the ${plan.scheme === "epochs" ? "epoch" : "older"} scheme`, 1],
    ["worlds of more than 30 days", Number(days >= 30)],
    ["worlds with several writers", Number(plan.writers.length > 1)],
    ["worlds with clock skew", Number(clients.some(({ skewNs }) => skewNs !== 0))],
    ["worlds with listings that lag", Number(clients.some(({ listLagNs }) => listLagNs > 0))],
    ["worlds with torn writes", Number(plan.trouble.tears)],
    ["worlds maintained by both programs' rules", Number(kinds.size > 1)],
  ];
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} finally {
  removeSourceTrees();
}
