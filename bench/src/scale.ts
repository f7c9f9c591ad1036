import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { measureProcess, type ProcessMeasurement } from "./measure-process.ts";
import { OURS, ProgramHome, programs, type Program } from "./program.ts";
import { writeLargeFile, writeSmallFiles } from "./seeded-tree.ts";
import { growthSlope } from "./statistics.ts";
import { LOOKUP_CHILD, synthesizeRepository, type LookupFigures } from "./synthetic-repository.ts";

/** What to grow, and how far. */
export interface ScaleOptions {
  readonly directory: string;
  readonly kopiaExe: string | undefined;
  /** 1 for the full sizes. */
  readonly scale: number;
  /** Which of `files`, `bytes`, `contents` to grow; all when empty. */
  readonly only: readonly string[];
  readonly onLine: (line: string) => void;
}

/** One size of one case, by one program. */
export interface ScalePoint {
  readonly case: string;
  readonly program: Program["name"];
  readonly size: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMemoryBytes: number;
}

/** What a large index costs. */
export interface IndexRow {
  readonly contentCount: number;
  readonly blobCount: number;
  readonly command: string;
  readonly program: Program["name"];
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMemoryBytes: number;
  /** Of ours, from inside. */
  readonly lookups?: LookupFigures;
}

/** Results of `bench scale`. */
export interface ScaleResult {
  readonly points: readonly ScalePoint[];
  readonly slopes: readonly ScaleSlope[];
  readonly indexes: readonly IndexRow[];
}

/** Growth of a case: 1 is linear. */
export interface ScaleSlope {
  readonly case: string;
  readonly program: Program["name"];
  readonly cpuSlope: number;
  readonly memorySlope: number;
}

const FACTORS = [1, 2, 4, 8];
const FILES = 20_000;
const FILE_MIB = 256;

/** Grows files and bytes by 1, 2, 4 and 8, and opens made-up repositories of millions of contents. */
export async function runScale(options: ScaleOptions): Promise<ScaleResult> {
  const isWanted = (name: string): boolean =>
    options.only.length === 0 || options.only.includes(name);
  const points: ScalePoint[] = [];
  if (isWanted("files")) points.push(...(await growSource(options, "files", writeFiles)));
  if (isWanted("bytes")) points.push(...(await growSource(options, "bytes", writeBytes)));
  const indexes = isWanted("contents") ? await openLargeIndexes(options, points) : [];
  return { points, slopes: slopesOf(points), indexes };
}

function writeFiles(path: string, size: number): void {
  writeSmallFiles(path, { count: Math.round(FILES * size), meanBytes: 1440, seed: 1 });
}

function writeBytes(path: string, size: number): void {
  const lengthBytes = Math.round(FILE_MIB * size) * 2 ** 20;
  writeLargeFile(join(path, "file.bin"), { lengthBytes, compressible: true, seed: 2 });
}

/** Adds the points of growth to `points`. */
async function openLargeIndexes(options: ScaleOptions, points: ScalePoint[]): Promise<IndexRow[]> {
  const indexes: IndexRow[] = [];
  const scaled = (full: number): number => Math.round(full * options.scale);
  for (const factor of FACTORS) {
    const size = { contentCount: scaled(250_000 * factor), blobCount: 4 };
    const rows = await openIndexes(options, size);
    indexes.push(...rows);
    points.push(...rows.flatMap((row) => contentPoint(row, factor)));
  }
  const many = { contentCount: scaled(1_000_000), blobCount: scaled(5000) };
  const large = { contentCount: scaled(5_000_000), blobCount: 10 };
  indexes.push(...(await openIndexes(options, large)), ...(await openIndexes(options, many)));
  return indexes;
}

async function growSource(
  options: ScaleOptions,
  name: string,
  write: (path: string, size: number) => void,
): Promise<ScalePoint[]> {
  const points: ScalePoint[] = [];
  for (const factor of FACTORS) {
    const source = join(options.directory, `scale-${name}`);
    mkdirSync(source, { recursive: true });
    write(source, factor * options.scale);
    for (const program of programs(options.kopiaExe)) {
      const home = new ProgramHome(program, options.directory);
      await home.createRepository();
      const steps: readonly (readonly [string, readonly string[]])[] = [
        ["first backup", ["snapshot", "create", source]],
        ["no change", ["snapshot", "create", source]],
        ["verify 100 %", ["snapshot", "verify", "--verify-files-percent=100"]],
        ["restore", ["restore", source, join(home.path, "restored")]],
      ];
      for (const [step, args] of steps) {
        const point = pointOf(
          { case: `${name}: ${step}`, program: program.name, size: factor },
          await home.measure(...args),
        );
        options.onLine(describePoint(point));
        points.push(point);
      }
      rmSync(home.path, { recursive: true });
    }
    rmSync(source, { recursive: true });
  }
  return points;
}

async function openIndexes(
  options: ScaleOptions,
  size: { readonly contentCount: number; readonly blobCount: number },
): Promise<IndexRow[]> {
  const rows: IndexRow[] = [];
  const repository = join(options.directory, "synthetic");
  mkdirSync(repository);
  const ids = await synthesizeRepository(repository, size);
  for (const program of programs(options.kopiaExe)) {
    const home = new ProgramHome(program, options.directory);
    await home.measure("repository", "connect", "filesystem", `--path=${repository}`);
    // The first use of an index fills caches; what counts is every later one.
    await home.measure("snapshot", "list");
    for (const command of ["snapshot list", "content stats"]) {
      const measured = await home.measure(...command.split(" "));
      rows.push(indexRow({ ...size, command, program: program.name }, measured));
    }
    rmSync(home.path, { recursive: true });
  }
  const lookedUp = await measureProcess({
    command: process.execPath,
    args: [LOOKUP_CHILD, repository, ...ids.slice(0, 5)],
    env: { PATH: process.env["PATH"] },
  });
  if (lookedUp.exitCode !== 0) throw new Error(lookedUp.stderr);
  const lookups = JSON.parse(lookedUp.stdout) as LookupFigures;
  const ours = indexRow({ ...size, command: "library", program: OURS.name }, lookedUp);
  rows.push({ ...ours, lookups });
  for (const row of rows) options.onLine(describeIndex(row));
  rmSync(repository, { recursive: true });
  return rows;
}

function indexRow(
  row: Pick<IndexRow, "contentCount" | "blobCount" | "command" | "program">,
  { wallSeconds, cpuSeconds, peakMemoryBytes }: ProcessMeasurement,
): IndexRow {
  return { ...row, wallSeconds, cpuSeconds, peakMemoryBytes };
}

function pointOf(
  point: Pick<ScalePoint, "case" | "program" | "size">,
  { wallSeconds, cpuSeconds, peakMemoryBytes }: ProcessMeasurement,
): ScalePoint {
  return { ...point, wallSeconds, cpuSeconds, peakMemoryBytes };
}

function contentPoint(row: IndexRow, size: number): ScalePoint[] {
  if (row.command !== "content stats") return [];
  const { program, wallSeconds, cpuSeconds, peakMemoryBytes } = row;
  return [
    { case: "contents: content stats", program, size, wallSeconds, cpuSeconds, peakMemoryBytes },
  ];
}

function slopesOf(points: readonly ScalePoint[]): ScaleSlope[] {
  const names = new Map(points.map((point) => [`${point.case}/${point.program}`, point]));
  return [...names.values()].map(({ case: name, program }) => {
    const own = points.filter((point) => point.case === name && point.program === program);
    return {
      case: name,
      program,
      cpuSlope: growthSlope(own.map(({ size, cpuSeconds }) => [size, cpuSeconds])),
      memorySlope: growthSlope(own.map(({ size, peakMemoryBytes }) => [size, peakMemoryBytes])),
    };
  });
}

function describePoint(point: ScalePoint): string {
  return (
    `${point.case} ×${point.size} · ${point.program}: ${point.wallSeconds.toFixed(2)} s, ` +
    `${point.cpuSeconds.toFixed(2)} s CPU, ${Math.round(point.peakMemoryBytes / 2 ** 20)} MiB`
  );
}

/** One line about a large index. */
export function describeIndex(row: IndexRow): string {
  const { lookups } = row;
  const inside =
    lookups === undefined
      ? ""
      : `; opened in ${lookups.openSeconds.toFixed(2)} s, ${Math.round(lookups.residentBytes / 2 ** 20)} MiB resident, ` +
        `${(lookups.lookupsPerSecond / 1e6).toFixed(2)} million lookups a second`;
  return (
    `${row.contentCount} contents, ${row.blobCount} index blobs · ${row.command} · ${row.program}: ` +
    `${row.wallSeconds.toFixed(2)} s, ${row.cpuSeconds.toFixed(2)} s CPU, ` +
    `${Math.round(row.peakMemoryBytes / 2 ** 20)} MiB${inside}`
  );
}
