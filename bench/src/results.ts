import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What was measured, and on what. */
export interface SavedResult<Rows> {
  readonly at: string;
  readonly machine: string;
  readonly command: string;
  readonly rows: Rows;
}

const DIRECTORY = fileURLToPath(new URL("../results", import.meta.url));

function pathOf(name: string): string {
  return join(DIRECTORY, `${name}.json`);
}

/** Writes results as JSON below `bench/results/`; returns the path. */
export function saveResult(name: string, rows: unknown): string {
  mkdirSync(DIRECTORY, { recursive: true });
  const saved: SavedResult<unknown> = {
    at: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
    command: `bench ${process.argv.slice(2).join(" ")}`,
    rows,
  };
  writeFileSync(pathOf(name), `${JSON.stringify(saved, undefined, 2)}\n`);
  return pathOf(name);
}

/** Results that were saved; `undefined` when there are none. */
export function loadResult<Rows>(name: string): SavedResult<Rows> | undefined {
  try {
    return JSON.parse(readFileSync(pathOf(name), "utf8")) as SavedResult<Rows>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** How results of flows are called, before the name of the flow. */
export const FLOW_RESULTS = "flows-";

/** Names of saved results that begin so, in order. */
export function savedNames(prefix: string): readonly string[] {
  mkdirSync(DIRECTORY, { recursive: true });
  return readdirSync(DIRECTORY)
    .filter((name) => name.startsWith(prefix) && name.endsWith(".json"))
    .map((name) => name.slice(0, -".json".length))
    .toSorted((a, b) => (a < b ? -1 : 1));
}
