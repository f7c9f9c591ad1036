import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/*
 * Runs the tests of the two libraries and prints the share of the branches of the lower layers that they took.
 * Exit 1 when a test fails or a layer stays below the least share. `--missed` names the lines of the others.
 */
const LAYERS = [
  "base",
  "hashing",
  "encryption",
  "compression",
  "ecc",
  "splitter",
  "format",
  "content",
];
const LEAST_PERCENT = 95;

interface FileCoverage {
  readonly branchMap: Readonly<Record<string, BranchPlaces>>;
  readonly b: Readonly<Record<string, readonly number[]>>;
}

interface BranchPlaces {
  readonly line: number;
  /** An `else` that is not written has no line of its own. */
  readonly locations: readonly { readonly start: { readonly line?: number } }[];
}

interface Tally {
  readonly path: string;
  readonly total: number;
  readonly missedLines: readonly number[];
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const source = join(root, "packages/kopia-format/src");
const reports = mkdtempSync(join(tmpdir(), "coverage-"));
try {
  // The figures are printed also when a test fails: one failure must not hide them.
  const [passed, isEnough] = [runTests(), report()];
  process.exitCode = passed && isEnough ? 0 : 1;
} finally {
  rmSync(reports, { recursive: true });
}

function runTests(): boolean {
  const argv = [
    "vitest",
    "run",
    "packages/kopia-format",
    "packages/snapshotter",
    "--coverage.enabled",
    "--coverage.provider=v8",
    ...LAYERS.map((layer) => `--coverage.include=packages/kopia-format/src/${layer}/**/*.ts`),
    "--coverage.exclude=**/*.test.ts",
    "--coverage.exclude=**/*.d.ts",
    "--coverage.reporter=json",
    `--coverage.reportsDirectory=${reports}`,
    "--coverage.reportOnFailure",
    // Counting makes property tests many times slower.
    "--testTimeout=600000",
    "--reporter=dot",
    ...process.argv.slice(2).filter((word) => word !== "--missed"),
  ];
  return spawnSync("npx", argv, { cwd: root, stdio: "inherit" }).status === 0;
}

function report(): boolean {
  const path = join(reports, "coverage-final.json");
  if (!existsSync(path)) {
    console.log("no figures: the run ended before they were written");
    return false;
  }
  const coverage = JSON.parse(readFileSync(path, "utf8")) as Readonly<Record<string, FileCoverage>>;
  const tallies = Object.entries(coverage).map(([path, file]) => tallyOf(path, file));
  let isEnough = true;
  for (const layer of LAYERS) {
    const files = tallies.filter(({ path }) => path.startsWith(`${join(source, layer)}/`));
    const total = sum(files.map((file) => file.total));
    const covered = total - sum(files.map(({ missedLines }) => missedLines.length));
    const percent = total === 0 ? 100 : (100 * covered) / total;
    if (percent < LEAST_PERCENT) isEnough = false;
    const share = percent.toFixed(2).padStart(6);
    console.log(`${layer.padEnd(12)} ${share} %  ${covered} of ${total} branches`);
    if (process.argv.includes("--missed")) printMissed(files);
  }
  if (!isEnough) console.log(`each layer needs ${LEAST_PERCENT} %`);
  return isEnough;
}

function tallyOf(path: string, { branchMap, b }: FileCoverage): Tally {
  const taken = Object.entries(branchMap).flatMap(([id, { line, locations }]) =>
    locations.map(({ start }, i) => ({ line: start.line ?? line, count: b[id]?.[i] ?? 0 })),
  );
  const missed = taken.filter(({ count }) => count === 0);
  return { path, total: taken.length, missedLines: missed.map(({ line }) => line) };
}

function printMissed(files: readonly Tally[]): void {
  for (const { path, missedLines } of files) {
    if (missedLines.length > 0) console.log(`  ${relative(root, path)}: ${missedLines.join(" ")}`);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
