import { parseArgs } from "node:util";
import { systemClock } from "@kopia-engine/kopia-format";
import { simulate, type SimulationResult } from "./simulate.ts";
import { removeSourceTrees } from "./source-tree.ts";

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
  for (let seed = from; seed < from + count; seed++) {
    const result = await simulate(seed);
    sum.snapshots += result.snapshotCount;
    sum.crashes += result.crashCount;
    sum.operations += result.operationCount;
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
  if (failed[0] !== undefined) print(`replay: npx -y pnpm@12 simulate --seed ${failed[0].seed}`);
  return failed.length === 0 ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} finally {
  removeSourceTrees();
}
