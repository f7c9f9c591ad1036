import { expect, test } from "vitest";
import { commandTree } from "../../src/commands/tree.ts";
import { flagList, isGroup, type CommandNode, type TreeNode } from "../../src/parser/command.ts";
import { commandsBelow } from "../../src/parser/help.ts";
import { loadMatrixGroups } from "./load-groups.ts";
import type { MatrixRow } from "./matrix-row.ts";

const commands = commandsBelow(commandTree);
const groups = await loadMatrixGroups();
/** Rows with a golden text, by the full name of their command. */
const rows = new Map<string, MatrixRow[]>();
for (const { scenarios } of groups.filter(({ golden }) => golden !== false)) {
  for (const row of scenarios.flatMap((scenario) => scenario.rows)) {
    const name = nameOf(row.argv);
    if (name !== undefined) rows.set(name, [...(rows.get(name) ?? []), row]);
  }
}

/** The command that a command line calls, by its full name. */
function nameOf(argv: readonly string[]): string | undefined {
  let node: TreeNode = commandTree;
  const path: string[] = [];
  for (const word of argv) {
    if (!isGroup(node)) break;
    if (word.startsWith("-")) continue;
    const child: TreeNode | undefined = node.children.find(
      ({ name, aliases }) => name === word || aliases.includes(word),
    );
    if (child === undefined) return undefined;
    node = child;
    path.push(child.name);
  }
  return isGroup(node) ? undefined : path.join(" ");
}

function named(filter: (node: CommandNode) => boolean): readonly string[] {
  return commands.filter(({ node }) => filter(node)).map(({ path }) => path.join(" "));
}

const here = named(({ load }) => load !== undefined);

test("every command has a row that succeeds", () => {
  const missing = here.filter((name) => !rows.get(name)?.some(({ exit = 0 }) => exit === 0));
  expect(missing).toEqual([]);
});

test("every command has a row that fails", () => {
  const missing = here.filter((name) => !rows.get(name)?.some(({ exit = 0 }) => exit !== 0));
  expect(missing).toEqual([]);
});

test("every command with JSON has a row that asks for it and succeeds", async () => {
  const missing: string[] = [];
  for (const { path, node } of commands) {
    const command = await node.load?.();
    const hasJson = flagList(command?.flags ?? {}).some(({ name }) => name === "json");
    const asks = ({ argv, exit = 0 }: MatrixRow): boolean =>
      exit === 0 && argv.some((word) => word === "--json" || word === "-j");
    const name = path.join(" ");
    if (hasJson && !rows.get(name)?.some(asks)) missing.push(name);
  }
  expect(missing).toEqual([]);
});

test("every command that is not here has a row that is refused", () => {
  const missing = named(({ load }) => load === undefined).filter((name) => !rows.has(name));
  expect(missing).toEqual([]);
});
