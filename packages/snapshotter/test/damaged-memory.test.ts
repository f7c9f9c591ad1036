import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { fixtureNames } from "@kopia-engine/test-fixtures";
import { expect, test } from "vitest";

test(
  "no damaged repository takes more than twice the memory of the undamaged one",
  { timeout: 300_000 },
  async () => {
    const script = fileURLToPath(new URL("damaged/measure-memory.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", script]);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly name: string; readonly peakMib: number });
    // The second time through, all code is loaded and compiled.
    const usualMib = lines[1]?.peakMib ?? 0;
    expect(usualMib).toBeGreaterThan(0);
    expect(lines.length).toBe(2 + fixtureNames(/^damaged-/).length);
    for (const { name, peakMib } of lines) expect(peakMib, name).toBeLessThan(2 * usualMib);
  },
);
