import { join } from "node:path";
import type { CrashCommand } from "./crash-commands.ts";
import { REPOSITORY_DIRECTORY, copyTemplate, type CrashTemplate } from "./crash-template.ts";
import { killAtFileOperation } from "./file-killer.ts";

/** Words of a command that must change nothing in a repository; without `argv` it needs none. */
export interface ReadingCommand {
  readonly name: string;
  readonly argv?: (template: CrashTemplate, path: string) => readonly string[];
}

/** Maintenance that is due runs after commands on snapshots, whatever these do. */
const QUIET = "--no-auto-maintenance";
const algorithms = ["compression", "crypto", "splitter", "hashing", "encryption", "ecc"];
const first = ({ snapshotIds }: CrashTemplate): string => snapshotIds[0] ?? "";
const plain = (name: string, ...more: readonly string[]): ReadingCommand => ({
  name,
  argv: () => [...name.split(" "), ...more],
});
const ofSnapshot = (name: string, ...more: readonly string[]): ReadingCommand => ({
  name,
  argv: (template) => [...name.split(" "), first(template), ...more],
});

/** Every command that is not killed, because there is nothing that it could leave half done. */
export const READING_COMMANDS: readonly ReadingCommand[] = [
  ...algorithms.map((name) => ({ name: `benchmark ${name}` })),
  plain("blob list"),
  plain("blob show", "kopia.repository"),
  plain("blob stats"),
  plain("cache info"),
  plain("content list"),
  {
    name: "content show",
    argv: ({ unusedContentIds }) => ["content", "show", unusedContentIds[0] ?? ""],
  },
  plain("content stats"),
  plain("content verify", "--full"),
  plain("doctor"),
  { name: "diff", argv: ({ snapshotIds }) => ["diff", ...snapshotIds.slice(0, 2)] },
  plain("index epoch list"),
  plain("index inspect", "--all"),
  plain("index list"),
  ofSnapshot("list"),
  plain("logs list"),
  plain("logs show"),
  plain("maintenance info"),
  plain("manifest list"),
  ofSnapshot("manifest show"),
  plain("policy export"),
  plain("policy list"),
  plain("policy show", "--global"),
  plain("repository status"),
  plain("repository throttle get"),
  plain("repository upgrade validate"),
  {
    name: "restore",
    argv: (template, path) => ["restore", first(template), join(path, "restored")],
  },
  plain("session list"),
  { name: "show", argv: (template) => ["show", `${first(template)}/same`] },
  { name: "snapshot estimate", argv: ({ source }) => ["snapshot", "estimate", source] },
  plain("snapshot list", "--all"),
  {
    name: "snapshot restore",
    argv: (template, path) => ["snapshot", "restore", first(template), join(path, "restored")],
  },
  plain("snapshot verify", "--verify-files-percent=100"),
];

/** Dry runs of commands that write. */
export const DRY_RUNS: readonly ReadingCommand[] = [
  plain("maintenance run", "--full", "--safety=none", "--dry-run"),
  plain("maintenance run", "--safety=none", "--dry-run"),
  plain("blob gc", "--safety=none"),
  plain("blob delete", "_foreign", "--dry-run"),
  plain("content rewrite", "--short", "--safety=none", "--dry-run"),
  plain("logs cleanup", "--max-count=1", "--dry-run"),
  plain("index recover"),
  ofSnapshot("snapshot delete", QUIET),
  plain("snapshot expire", "--all", QUIET),
  plain("snapshot fix invalid-files", QUIET),
  plain("snapshot fix remove-files", "--filename=new*", QUIET),
  {
    name: "blob shards modify",
    argv: (_, path) => [
      "blob",
      "shards",
      "modify",
      `--path=${path}/${REPOSITORY_DIRECTORY}`,
      "--default-shards=2,1",
      "--i-am-sure-kopia-is-not-running",
      "--dry-run",
    ],
  },
  {
    name: "snapshot move-history",
    argv: ({ source }) => [
      "snapshot",
      "move-history",
      `user@host:${source}`,
      "user@host:/elsewhere",
      "--dry-run",
      QUIET,
    ],
  },
];

/** What a command changes in the repository, when it must change nothing: its logs do not count. */
export async function changesOf(
  { argv }: ReadingCommand,
  template: CrashTemplate,
): Promise<readonly string[]> {
  if (argv === undefined) return [];
  using place = copyTemplate(template);
  const words = [...argv(template, place.path), "--dangerous-commands=enabled"];
  const repository = join(place.path, REPOSITORY_DIRECTORY);
  const { log } = await killAtFileOperation(repository, { nth: 0, death: "before" }, async () => {
    await place.run(words);
  });
  return log.filter((operation) => !/ _\/log\//.test(operation) && operation !== "mkdir _");
}

/** Paths of the commands in the tree that a command line belongs to. */
export function commandPath(
  paths: ReadonlySet<string>,
  command: Pick<CrashCommand, "argv">,
  template: CrashTemplate,
): string | undefined {
  const words = command.argv(template, "");
  for (let length = 1; length <= words.length; length++) {
    const path = words.slice(0, length).join(" ");
    if (paths.has(path)) return path;
  }
  return undefined;
}
