import { describe, expect, test } from "vitest";
import { loadMatrixGroups } from "./load-groups.ts";
import type { MatrixGroup } from "./matrix-row.ts";
import { KOPIA, runScenario, withoutAdvice, type MatrixResult } from "./run-matrix.ts";

const groups = await loadMatrixGroups();

describe.each(groups)("matrix of $name", (group: MatrixGroup) => {
  test("every row ends as it says, with the golden text", async () => {
    let text = "";
    const wrong: unknown[] = [];
    for (const scenario of group.scenarios) {
      text += `=== ${scenario.name}\n`;
      for (const result of await runScenario(scenario, "ours")) {
        const { argv, exit = 0 } = result.row;
        if (result.run.exitCode !== exit) wrong.push({ argv: argv.join(" "), ...result.run });
        text += transcript(result);
      }
    }
    expect(wrong).toEqual([]);
    if (group.golden === false) return;
    await expect(text).toMatchFileSnapshot(`golden/${group.name}.txt`);
  });

  test.skipIf(KOPIA === "").each(group.scenarios.filter(({ own }) => own === undefined))(
    "beside the real program: $name (needs KOPIA_EXE)",
    async (scenario) => {
      const ours = await runScenario(scenario, "ours");
      const theirs = await runScenario(scenario, "theirs");
      const differences: unknown[] = [];
      for (const [index, { row, run }] of ours.entries()) {
        const [a, b] = [withoutAdvice(run), withoutAdvice(theirs[index]!.run)];
        const isEqual = JSON.stringify(a) === JSON.stringify(b);
        if (isEqual === (row.differs === undefined)) continue;
        const claim = row.differs === undefined ? "same" : "different";
        differences.push({ argv: row.argv.join(" "), claim, ours: a, theirs: b });
      }
      expect(differences).toEqual([]);
    },
  );
});

function transcript({ row, run }: MatrixResult): string {
  const lines = [`$ kopia ${row.argv.map(shown).join(" ")}`];
  const add = (prefix: string, text: string): void => {
    if (text === "") return;
    for (const line of text.replace(/\n$/, "").split("\n"))
      lines.push(`${prefix}${line}`.trimEnd());
  };
  add("  ", run.stdout);
  add("! ", run.stderr);
  lines.push(`= ${run.exitCode}`);
  return `${lines.join("\n")}\n\n`;
}

function shown(word: string): string {
  return /^[\w@/.,:=%+-]+$/.test(word) ? word : `'${word}'`;
}
