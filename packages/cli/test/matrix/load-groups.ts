import { readdirSync } from "node:fs";
import type { MatrixGroup } from "./matrix-row.ts";

/** The groups of all `*.rows.ts` files in this directory. */
export async function loadMatrixGroups(): Promise<readonly MatrixGroup[]> {
  const directory = new URL("./", import.meta.url);
  const names = readdirSync(directory).filter((name) => name.endsWith(".rows.ts"));
  const groups: MatrixGroup[] = [];
  for (const name of names.sort((a, b) => (a < b ? -1 : 1))) {
    const module = (await import(new URL(name, directory).href)) as {
      readonly group: MatrixGroup;
    };
    groups.push(module.group);
  }
  return groups;
}
