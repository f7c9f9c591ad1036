import { portableBuzhashScanner } from "./buzhash.ts";
import { compiledBuzhashScanner, compiledRabinKarpScanner } from "./compiled-scanners.ts";
import { DynamicSplitter } from "./dynamic-splitter.ts";
import { FixedSplitter } from "./fixed-splitter.ts";
import { portableRabinKarpScanner } from "./rabinkarp.ts";
import { sizesForAverage } from "./splitter-sizes.ts";
import type { SplitterFactory } from "./splitter.ts";
import type { WindowScanner } from "./window-scanner.ts";

/** Splitter of new repositories. */
export const DEFAULT_SPLITTER = "DYNAMIC-4M-BUZHASH";

type Provider = "portable" | "fast";
type FactoryMaker = (name: string, provider: Provider) => SplitterFactory;

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const SIZES: ReadonlyArray<readonly [label: string, averageBytes: number]> = [
  ["128K", 128 * KIB],
  ["256K", 256 * KIB],
  ["512K", 512 * KIB],
  ["1M", MIB],
  ["2M", 2 * MIB],
  ["4M", 4 * MIB],
  ["8M", 8 * MIB],
];

const MAKERS: ReadonlyMap<string, FactoryMaker> = new Map(
  [
    ["DYNAMIC", buzhash(4 * MIB)] as const,
    ["FIXED", fixed(4 * MIB)] as const,
    ...SIZES.flatMap(([label, averageBytes]) => [
      [`DYNAMIC-${label}-BUZHASH`, buzhash(averageBytes)] as const,
      [`DYNAMIC-${label}-RABINKARP`, rabinKarp(averageBytes)] as const,
      [`FIXED-${label}`, fixed(averageBytes)] as const,
    ]),
  ].sort(([a], [b]) => (a < b ? -1 : 1)),
);

/** Names of all splitters as Kopia lists them: sorted (spec 2 §1.1). */
export const SPLITTER_NAMES: readonly string[] = [...MAKERS.keys()];

/**
 * The splitter of this name, or `undefined` when there is none. The empty name of old repositories
 * means `FIXED` (spec 2 §1.1): that is the caller's to know.
 *
 * @param provider `fast` (the default) falls back to `portable` where there is no WebAssembly.
 */
export function splitterFactory(
  name: string,
  provider: Provider = "fast",
): SplitterFactory | undefined {
  return MAKERS.get(name)?.(name, provider);
}

function fixed(segmentBytes: number): FactoryMaker {
  // Nothing to compile: the plain one is the fast one.
  return (name, provider) => ({ name, provider, create: () => new FixedSplitter(segmentBytes) });
}

function buzhash(averageBytes: number): FactoryMaker {
  return dynamic(averageBytes, compiledBuzhashScanner, portableBuzhashScanner);
}

function rabinKarp(averageBytes: number): FactoryMaker {
  return dynamic(averageBytes, compiledRabinKarpScanner, portableRabinKarpScanner);
}

function dynamic(
  averageBytes: number,
  compiled: (averageBytes: number) => WindowScanner | undefined,
  portable: (averageBytes: number) => WindowScanner,
): FactoryMaker {
  return (name, provider) => {
    const fast = provider === "fast" ? compiled(averageBytes) : undefined;
    const scanner = fast ?? portable(averageBytes);
    const sizes = sizesForAverage(averageBytes);
    return { name, provider: scanner.provider, create: () => new DynamicSplitter(sizes, scanner) };
  };
}
