import { runTargets } from "./run-targets.ts";

/*
 * Feeds every parser with damaged and made-up inputs, round after round, until it is stopped or has done
 * `--rounds=N` of `--runs=N` inputs a target. Further arguments: names of targets. Prints one JSON line a target
 * and round; exit 1 after a round with a crash.
 */
if (process.argv.includes("--help")) {
  console.log("usage: npx -y pnpm@12 fuzz [--runs=N] [--rounds=N] [--seed=S] [TARGET…]");
  process.exit();
}
const numberOf = (name: string, otherwise: number): number => {
  const given = process.argv.find((word) => word.startsWith(`--${name}=`));
  return given === undefined ? otherwise : Number(given.slice(name.length + 3));
};
const rounds = numberOf("rounds", Infinity);
const runs = numberOf("runs", 10_000);
const firstSeed = numberOf("seed", 1);
const names = process.argv.slice(2).filter((word) => !word.startsWith("--"));

for (let round = 0; round < rounds && process.exitCode !== 1; round++) {
  const seed = firstSeed + round;
  for await (const report of runTargets({ runs, seed, names })) {
    console.log(JSON.stringify({ seed, ...report }));
    if (report.crashes.length > 0) process.exitCode = 1;
  }
}
