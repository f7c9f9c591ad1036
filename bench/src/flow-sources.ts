import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { writeLargeFile, writeMixedTree, writeSmallFiles, writeTinyFiles } from "./seeded-tree.ts";

/** Steps of a flow, in order. */
export const STEPS = [
  "first backup",
  "no change",
  "verify 100 %",
  "verify without contents",
  "restore",
  "snapshot list",
] as const;

/** One step of a flow. */
export type Step = (typeof STEPS)[number];

/** A tree that is backed up, and what is done with it. */
export interface FlowSource {
  readonly name: string;
  readonly title: string;
  readonly steps: readonly Step[];
  /** Makes the tree, in a directory that exists; absent for a tree that is there. */
  readonly write?: (directory: string) => void;
  readonly existingPath?: string;
}

const ALL: readonly Step[] = [
  "first backup",
  "no change",
  "verify 100 %",
  "restore",
  "snapshot list",
];

/**
 * The generated trees, every one from a fixed seed.
 * @param scale 1 for the full sizes; smaller ones are for trying things out.
 */
export function generatedSources(scale: number): readonly FlowSource[] {
  const count = (full: number): number => Math.max(1, Math.round(full * scale));
  const mib = (full: number): number => count(full) * 2 ** 20;
  return [
    {
      name: "small",
      title: `${count(100_000)} small files, ${count(144)} MB`,
      steps: ALL,
      write: (path) => writeSmallFiles(path, { count: count(100_000), meanBytes: 1440, seed: 1 }),
    },
    {
      name: "large",
      title: `one file of ${count(2048)} MiB, compressible`,
      steps: ALL,
      write: (path) =>
        writeLargeFile(join(path, "file.bin"), {
          lengthBytes: mib(2048),
          compressible: true,
          seed: 2,
        }),
    },
    {
      name: "random",
      title: `one file of ${count(1024)} MiB, random`,
      steps: ALL,
      write: (path) =>
        writeLargeFile(join(path, "file.bin"), {
          lengthBytes: mib(1024),
          compressible: false,
          seed: 3,
        }),
    },
    {
      name: "mixed",
      title: `${count(173_000)} mixed files`,
      steps: ALL,
      write: (path) => writeMixedTree(path, { count: count(173_000), seed: 4 }),
    },
    {
      name: "million",
      title: `${count(1_000_000)} files of 40 bytes`,
      steps: ["first backup", "no change", "verify without contents", "snapshot list"],
      write: (path) => writeTinyFiles(path, count(1_000_000)),
    },
  ];
}

/** A directory of the user's. */
export function existingSource(path: string): FlowSource {
  return { name: path.replaceAll("/", "_"), title: path, steps: ALL, existingPath: path };
}

/** Makes the tree if need be; returns where it is. */
export function prepareSource(source: FlowSource, directory: string): string {
  if (source.existingPath !== undefined) return source.existingPath;
  const path = join(directory, `source-${source.name}`);
  mkdirSync(path, { recursive: true });
  source.write?.(path);
  return path;
}
