import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  COMPRESSOR_NAMES,
  ENCRYPTION_NAMES,
  HASH_NAMES,
  KEY_ALGORITHM_NAMES,
  SPLITTER_NAMES,
} from "@kopia-engine/kopia-format";
import { seededBytes, seededRandom } from "@kopia-engine/kopia-format/testing";
import { readTree } from "@kopia-engine/test-fixtures";
import { createWorkplace, type Workplace } from "./run-kopia.ts";

/** Choices that depend on the seed alone. */
class Dice {
  readonly #random: (length: number) => Uint8Array;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  below(limit: number): number {
    const [a = 0, b = 0, c = 0] = this.#random(3);
    return (a * 65_536 + b * 256 + c) % limit;
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}

/** What was done, and the first difference that was found. */
export interface RandomRepositoryResult {
  readonly steps: readonly string[];
  readonly difference: string | undefined;
}

type Program = (...argv: readonly string[]) => Promise<string>;

/**
 * Makes a repository of a random format by one of the two programs, lets both work on it in turn, and
 * compares after each snapshot what they list, verify and restore.
 * @param executable the original program.
 */
export async function runRandomRepository(
  seed: number,
  executable: string,
): Promise<RandomRepositoryResult> {
  using place = createWorkplace();
  const dice = new Dice(seed);
  const steps: string[] = [];
  const programs: Readonly<Record<string, Program>> = {
    ours: async (...argv) => (await place.ok(...argv)).stdout,
    theirs: async (...argv) => original(place, executable, argv),
  };
  const names = ["ours", "theirs"] as const;
  const run = (name: string, ...argv: readonly string[]): Promise<string> => {
    steps.push(`${name}: ${argv.join(" ").replaceAll(place.path, "DIR")}`);
    return (programs[name] as Program)(...argv);
  };
  try {
    const format = randomFormat(dice);
    const identity = ["--override-username=user", "--override-hostname=host"];
    // Otherwise the original does not see for 30 seconds what somebody else wrote.
    const caching = "--max-list-cache-duration=0s";
    const storage = ["filesystem", `--path=${place.path}/repo`, caching, ...identity];
    const [first, second] = dice.one([names, names.toReversed()]) as [string, string];
    mkdirSync(join(place.path, "repo"));
    await run(first, "repository", "create", ...storage, ...format);
    await run(second, "repository", "connect", ...storage, ...format.filter((f) => f === "--flat"));
    const compression = `--compression=${dice.one(["none", ...COMPRESSOR_NAMES])}`;
    await run(dice.one(names), "policy", "set", "--global", compression);
    const source = join(place.path, "source");
    for (let round = 0; round < 3; round++) {
      changeTree(source, dice);
      await run(dice.one(names), "snapshot", "create", source);
      await compare(place, run, source);
    }
    return { steps, difference: undefined };
  } catch (error) {
    return { steps, difference: String(error) };
  }
}

function randomFormat(dice: Dice): string[] {
  const version = dice.one([1, 2, 3, 3]);
  return [
    `--format-version=${version}`,
    `--block-hash=${dice.one(HASH_NAMES)}`,
    `--encryption=${dice.one(ENCRYPTION_NAMES)}`,
    `--object-splitter=${dice.one(SPLITTER_NAMES)}`,
    `--format-block-key-derivation-algorithm=${dice.one(KEY_ALGORITHM_NAMES)}`,
    ...(version > 1 && dice.below(3) === 0
      ? [`--ecc-overhead-percent=${1 + dice.below(100)}`]
      : []),
    ...(dice.below(4) === 0 ? ["--flat"] : []),
  ];
}

function changeTree(source: string, dice: Dice): void {
  for (let i = 3 + dice.below(8); i > 0; i--) {
    const directory = join(source, `d${dice.below(3)}`, ...(dice.below(2) === 0 ? ["e"] : []));
    mkdirSync(directory, { recursive: true });
    const path = join(directory, `f${dice.below(12)}.${dice.one(["txt", "bin"])}`);
    const size = dice.one([0, 1, 700, 70_000, 400_000, 1_500_000]);
    const data = seededBytes(dice.below(1000), Math.max(1, size)).subarray(0, size);
    const text = dice.below(2) === 0 ? data : data.map((byte) => 97 + (byte & 3));
    const action = dice.below(5);
    if (action === 0) rmSync(path, { force: true });
    else if (action === 1) appendFileSync(path, text);
    else writeFileSync(path, text);
  }
}

async function compare(
  place: Workplace,
  run: (name: string, ...argv: readonly string[]) => Promise<string>,
  source: string,
): Promise<void> {
  for (const argv of [
    ["snapshot", "list", "--all", "--json", "--show-identical"],
    ["content", "list", "--json", "--deleted"],
  ]) {
    const [ours, theirs] = [await run("ours", ...argv), await run("theirs", ...argv)];
    assertEqual(argv.join(" "), JSON.parse(ours), JSON.parse(theirs));
  }
  const list = JSON.parse(await run("ours", "snapshot", "list", "--json")) as { id: string }[];
  const newest = list.at(-1)?.id ?? "";
  for (const name of ["ours", "theirs"]) {
    await run(name, "snapshot", "verify", "--verify-files-percent=100");
    const target = join(place.path, `restored-${name}`);
    await run(name, "snapshot", "restore", newest, target);
    assertEqual(`tree restored by ${name}`, treeOf(target), treeOf(source));
    rmSync(target, { recursive: true });
  }
}

/** Directories come back with other times (spec 2 §10.2). */
function treeOf(path: string): unknown {
  return readTree(path).map(([name, type, mode, size, mtimeNs, digest]) =>
    type === "d" ? [name, type, mode] : [name, type, mode, size, String(mtimeNs), digest],
  );
}

function assertEqual(what: string, ours: unknown, theirs: unknown): void {
  const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)];
  if (a === b) return;
  let at = 0;
  while (a[at] === b[at]) at++;
  const from = Math.max(0, at - 80);
  throw new Error(`${what} differs: ${a.slice(from, at + 80)} ≠ ${b.slice(from, at + 80)}`);
}

function original(place: Workplace, executable: string, argv: readonly string[]): string {
  const run = spawnSync(executable, argv, {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    env: {
      HOME: place.path,
      TZ: "UTC",
      KOPIA_PASSWORD: "test-password",
      KOPIA_CONFIG_PATH: join(place.path, "real.config"),
      KOPIA_CACHE_DIRECTORY: join(place.path, "real-cache"),
      KOPIA_CHECK_FOR_UPDATES: "false",
    },
  });
  if (run.status !== 0) throw new Error(`original: ${argv.join(" ")}: ${run.stderr}`);
  return run.stdout;
}
