import { afterAll, expect, test } from "vitest";
import { commandTree } from "../src/commands/tree.ts";
import { isGroup, type TreeNode } from "../src/parser/command.ts";
import { CRASH_COMMANDS } from "./crash/crash-commands.ts";
import { crashTemplate, type CrashTemplate, type TemplateKind } from "./crash/crash-template.ts";
import { enumerateDeaths } from "./crash/enumerate-deaths.ts";
import { DRY_RUNS, READING_COMMANDS, changesOf, commandPath } from "./crash/reading-commands.ts";

/** Deaths tried of each command; all with `CRASH_DEATHS=all`, or by the `crash-points` script. */
const WANTED = process.env["CRASH_DEATHS"] ?? "2";
const MAX_DEATHS = WANTED === "all" ? Infinity : Number(WANTED);

const templates = new Map<TemplateKind, Promise<CrashTemplate>>();

afterAll(async () => {
  for (const template of templates.values()) (await template)[Symbol.dispose]();
});

test.each(CRASH_COMMANDS)(
  "killed anywhere, the repository is whole and another run ends as if nothing had happened: $name",
  async (command) => {
    const made = templates.get(command.template) ?? crashTemplate(command.template);
    templates.set(command.template, made);
    const report = await enumerateDeaths(command, await made, { maxDeaths: MAX_DEATHS });
    expect(report.failures).toEqual([]);
    expect(report.deathCount).toBeGreaterThan(0);
  },
  600_000,
);

test("every command is either killed here or known to write nothing", () => {
  const paths = new Set(availableCommands(commandTree.children));
  const template = {
    kind: "none",
    source: "/source",
    snapshotIds: ["a", "b"],
    unusedContentIds: ["c"],
  } as unknown as CrashTemplate;
  const killed = CRASH_COMMANDS.map((command) => commandPath(paths, command, template));
  expect(killed).not.toContain(undefined);
  const known = [...killed, ...READING_COMMANDS.map(({ name }) => name)];
  expect(new Set(known)).toEqual(paths);
});

/** All of them in the long run, a few otherwise. */
const UNCHANGING = [...READING_COMMANDS, ...DRY_RUNS].filter(
  (command, i) => command.argv !== undefined && (WANTED === "all" || i % 9 === 0),
);

test.each(UNCHANGING)("what only reads or shows changes nothing: $name", async (command) => {
  const made = templates.get("current") ?? crashTemplate("current");
  templates.set("current", made);
  expect(await changesOf(command, await made)).toEqual([]);
});

function availableCommands(nodes: readonly TreeNode[], before: readonly string[] = []): string[] {
  return nodes.flatMap((node) => {
    const path = [...before, node.name];
    if (isGroup(node)) return availableCommands(node.children, path);
    return node.load === undefined ? [] : [path.join(" ")];
  });
}
