import { flagList, isGroup, type Command, type GroupNode, type TreeNode } from "./command.ts";
import type { AnyFlag, FlagTable } from "./flag.ts";

/** What is completed. */
export interface CompletionInput {
  /** Words after the program's name; the last one is being typed, and may be empty. */
  readonly words: readonly string[];
  readonly root: GroupNode;
  readonly globalFlags: FlagTable;
}

/**
 * Candidates for the last word: commands, flags, or values of a flag that has a fixed list. The shell keeps
 * those that fit, and offers files where there are none.
 */
export async function completions(input: CompletionInput): Promise<readonly string[]> {
  // bash makes words of their own of `--flag`, `=` and the value.
  const words = input.words.flatMap((word) =>
    word.startsWith("--") && word.includes("=") ? word.split(/(=)/) : [word],
  );
  const typed = words.at(-1) ?? "";
  const { node, command } = await walk(input.root, words);
  const flags = [...flagList(command?.flags ?? {}), ...flagList(input.globalFlags)];
  const valued = flagBefore(flags, words);
  if (valued !== undefined) return valued.choices ?? [];
  if (typed.startsWith("-")) return flags.filter(isShown).map(({ name }) => `--${name}`);
  if (!isGroup(node)) return [];
  const names = node.children.filter((child) => !child.hidden).map(({ name }) => name);
  return node === input.root ? ["help", ...names] : names;
}

async function walk(
  root: GroupNode,
  words: readonly string[],
): Promise<{ readonly node: TreeNode; readonly command?: Command }> {
  let node: TreeNode = root;
  for (const word of words) {
    if (!isGroup(node)) break;
    const child: TreeNode | undefined = node.children.find(
      ({ name, aliases }) => name === word || aliases.includes(word),
    );
    if (child !== undefined) node = child;
  }
  if (isGroup(node)) return { node };
  const command = await node.load?.();
  return command === undefined ? { node } : { node, command };
}

/** The flag whose value is being typed. */
function flagBefore(flags: readonly AnyFlag[], words: readonly string[]): AnyFlag | undefined {
  const last = words.length - 1;
  const at = words[last] === "=" ? last - 1 : words[last - 1] === "=" ? last - 2 : last - 1;
  const name = words[at] ?? "";
  const flag = flags.find(
    (candidate) => name === `--${candidate.name}` || name === `-${candidate.short ?? ""}`,
  );
  return flag === undefined || flag.isBoolean ? undefined : flag;
}

function isShown(flag: AnyFlag): boolean {
  return flag.hidden !== true && flag.unavailable !== true;
}
