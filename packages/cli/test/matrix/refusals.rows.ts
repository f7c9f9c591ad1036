import { isGroup, type TreeNode } from "../../src/parser/command.ts";
import { commandTree } from "../../src/commands/tree.ts";
import { commandsBelow } from "../../src/parser/help.ts";
import { CREATE, type MatrixGroup, type MatrixRow } from "./matrix-row.ts";

/** Commands of this program alone. */
const OWN = /^(doctor|content undelete)/;
/** Arguments that satisfy the parser, by command; others need none. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  "cache prefetch": ["x"],
  "content delete": ["x"],
  "content rewrite": ["--short"],
  "content show": ["x"],
  "blob delete": ["x"],
  "blob show": ["x"],
  diff: ["x", "y"],
  list: ["x"],
  "manifest delete": ["x"],
  "manifest show": ["x"],
  restore: ["x", "y"],
  show: ["x"],
  "snapshot copy-history": ["u@h"],
  "snapshot create": ["@/"],
  "snapshot delete": ["x"],
  "snapshot move-history": ["u@h"],
  "snapshot pin": ["x", "--add=y"],
  "snapshot restore": ["x", "y"],
  "policy edit": ["--global"],
  "policy show": ["--global"],
  "policy set": ["--global", "--keep-latest=1"],
  "policy delete": ["--global"],
  "repository sync-to filesystem": ["--path=@/"],
};
/** Commands that do something without a repository, or need more than words. */
const NEEDS_NO_REPOSITORY =
  /^(benchmark|repository (connect|create|repair|disconnect|upgrade)|blob shards|mount|server|notification|snapshot (migrate|estimate|fix)|repository sync-to from-config|policy import)/;

const available = commandsBelow(commandTree)
  .filter(({ node }) => node.load !== undefined)
  .map(({ path }) => path)
  .filter((path) => !OWN.test(path.join(" ")));

/** Command lines that no command takes, and every command without a repository. */
export const group: MatrixGroup = {
  name: "refusals",
  golden: false,
  scenarios: [
    {
      name: "words and flags that do not exist",
      rows: [
        { argv: ["nonsense"], exit: 1 },
        { argv: ["--nonsense"], exit: 1 },
        { argv: ["-Z"], exit: 1 },
        { argv: ["policy", "list", "--log-level=loud"], exit: 1 },
        { argv: ["policy", "list", "--config-file"], exit: 1 },
        { argv: ["policy", "list", "--json", "--json"], exit: 1 },
        { argv: ["policy", "list", "--json=1"], exit: 1 },
        { argv: ["policy", "list", "extra"], exit: 1 },
        ...groupsOf(commandTree).map((path): MatrixRow => ({
          argv: [...path, "nonsense"],
          exit: 1,
        })),
        ...groupsOf(commandTree).map((path): MatrixRow => ({ argv: path, exit: 1 })),
        ...available.map((path): MatrixRow => ({ argv: [...path, "--nonsense"], exit: 1 })),
      ],
    },
    {
      name: "nothing is connected",
      rows: available
        .filter((path) => !NEEDS_NO_REPOSITORY.test(path.join(" ")))
        .map((path): MatrixRow => {
          const argv = [...path, ...(ARGUMENTS[path.join(" ")] ?? [])];
          return { argv: [...argv, "--dangerous-commands=enabled"], exit: 1 };
        }),
    },
    {
      name: "what is stored stays as it was",
      rows: [
        CREATE,
        { argv: ["policy", "set", "/a", "/b", "--keep-latest=x"], exit: 1 },
        { argv: ["policy", "set", "/a", "--keep-latest=3", "--snapshot-time=99:00"], exit: 1 },
        { argv: ["policy", "delete", "/a", "user@"], exit: 1 },
        { argv: ["policy", "list"] },
        {
          argv: ["repository", "connect", "filesystem", "--path=@/repo", "--password=wrong"],
          exit: 1,
        },
        {
          argv: ["policy", "list"],
          differs: "a failed attempt to connect leaves the earlier connection as it was",
        },
      ],
    },
  ],
};

/** Paths of groups that Kopia has, in order. */
function groupsOf(node: TreeNode, path: readonly string[] = []): readonly (readonly string[])[] {
  if (!isGroup(node)) return [];
  const below = node.children.flatMap((child) => groupsOf(child, [...path, child.name]));
  return path.length === 0 ? below : [path, ...below];
}
