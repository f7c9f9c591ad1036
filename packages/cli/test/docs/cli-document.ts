import { readFileSync } from "node:fs";
import { commandTree } from "../../src/commands/tree.ts";
import { globalFlags } from "../../src/global-flags.ts";
import { argumentUsage, commandsBelow, flagUsage } from "../../src/parser/help.ts";
import type { Command } from "../../src/parser/command.ts";
import type { AnyFlag } from "../../src/parser/flag.ts";
import { loadMatrixGroups } from "../matrix/load-groups.ts";
import { BETTER, NOT_YET, OTHER_VARIABLES } from "./command-notes.ts";

/** Names of Kopia's commands and flags, as its own help and its answers to flags show them. */
interface KopiaCommandLine {
  readonly globalFlags: readonly string[];
  readonly commands: Readonly<Record<string, readonly string[]>>;
}

interface DocumentedCommand {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly hidden: boolean;
  readonly help: string;
  readonly command: Command | undefined;
  readonly kopiaFlags: readonly string[] | undefined;
}

const INTRODUCTION = `# The command line

<!-- Made by \`pnpm run docs\` from the parser, the matrix of tests and the names of Kopia's commands and flags: change those. -->

\`kopia\` takes Kopia's command lines: same words, same output, same exit codes. Results go to stdout, messages and progress to
stderr. Exit codes are 0 and 1 (\`doctor\` alone has more). Every boolean flag has a \`--no-\` form, short flags may be joined, \`--\` ends the
flags. \`kopia help COMMAND\` and \`kopia COMMAND --help\` explain a command, \`--help-full\` shows what is hidden.

Below Kopia's line an error says its \`cause:\` and \`what to do:\`; with \`--json-log-console\` these are the keys \`cause\` and \`advice\`.

Completion: \`eval "$(kopia --completion-script-bash)"\`, \`eval "$(kopia --completion-script-zsh)"\`, \`kopia --completion-script-fish | source\`.

What the columns say: **same**: as Kopia's; **better**: the note says how; **own**: Kopia has no such thing; **no effect**: accepted, and nothing is lost by
it; **not yet**: refused with a message and exit code 1.
`;

/** The text of docs/CLI.md. */
export async function buildCliDocument(): Promise<string> {
  const kopia = JSON.parse(
    readFileSync(new URL("kopia-command-line.json", import.meta.url), "utf8"),
  ) as KopiaCommandLine;
  const commands = await documentedCommands(kopia);
  const sections = [
    INTRODUCTION,
    overview(commands),
    "## Flags of every command\n",
    flagTable(Object.values(globalFlags), kopia.globalFlags),
    "## Variables\n",
    variables(commands),
    await differences(),
    ...commands.filter(({ command }) => command !== undefined).map(commandSection),
    missingCommands(commands),
  ];
  return `${sections.join("\n").trimEnd()}\n`;
}

async function documentedCommands(kopia: KopiaCommandLine): Promise<readonly DocumentedCommand[]> {
  const commands: DocumentedCommand[] = [];
  for (const { path, node, hidden } of commandsBelow(commandTree)) {
    const name = path.join(" ");
    commands.push({
      name,
      aliases: node.aliases,
      hidden,
      help: node.help,
      command: await node.load?.(),
      kopiaFlags: kopia.commands[name],
    });
  }
  const known = new Set(commands.map(({ name }) => name));
  const forgotten = Object.keys(kopia.commands).filter((name) => !known.has(name));
  if (forgotten.length > 0) throw new Error(`not in the tree: ${forgotten.join(", ")}`);
  return commands;
}

function overview(commands: readonly DocumentedCommand[]): string {
  const rows = commands.map((command) => {
    const aliases = command.aliases.length === 0 ? "" : ` (${command.aliases.join(", ")})`;
    const shown =
      command.command === undefined
        ? `\`${command.name}\``
        : `[\`${command.name}\`](#${anchor(command.name)})`;
    return `| ${shown}${aliases} | ${commandState(command)} | ${commandNote(command)} |`;
  });
  return ["## Commands\n", "| command | state | note |", "| --- | --- | --- |", ...rows, ""].join(
    "\n",
  );
}

function commandState({ name, command, kopiaFlags }: DocumentedCommand): string {
  if (command === undefined) return "not yet";
  if (kopiaFlags === undefined) return "own";
  return name in BETTER ? "better" : "same";
}

function commandNote({ name, command, help }: DocumentedCommand): string {
  if (command !== undefined) return BETTER[name] ?? help;
  return NOT_YET.find(([prefix]) => name.startsWith(prefix))?.[1] ?? help;
}

function commandSection({ name, help, command, kopiaFlags, aliases }: DocumentedCommand): string {
  if (command === undefined) return "";
  const args = Object.values(command.arguments).map(argumentUsage);
  const flags = Object.values(command.flags);
  const usage = ["kopia", name, ...(flags.length === 0 ? [] : ["[flags]"]), ...args].join(" ");
  const lines = [`### ${name}\n`, `${help}.`];
  if (aliases.length > 0) lines.push(`Alias: ${aliases.join(", ")}.`);
  lines.push("", "```", usage, "```", "");
  return `${lines.join("\n")}\n${flagTable(flags, kopiaFlags)}`;
}

function flagTable(flags: readonly AnyFlag[], kopiaFlags: readonly string[] | undefined): string {
  const rows = flags.map((flag) => {
    const env = flag.env === undefined ? "" : ` (\`${flag.env}\`)`;
    const choices = flag.choices === undefined ? "" : `: ${flag.choices.join(", ")}`;
    const usage = flagUsage(flag)
      .trim()
      .replaceAll("|", String.raw`\|`);
    const meaning = `${flag.help}${choices}${env}`.replaceAll("|", String.raw`\|`);
    return `| \`${usage}\` | ${flagState(flag, kopiaFlags)} | ${meaning} |`;
  });
  const names = new Set(flags.map(({ name }) => name));
  for (const name of kopiaFlags ?? [])
    if (!names.has(name)) rows.push(`| \`--${name}\` | not yet | |`);
  if (rows.length === 0) return "";
  return ["| flag | state | meaning |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

function flagState(flag: AnyFlag, kopiaFlags: readonly string[] | undefined): string {
  if (flag.unavailable === true) return "not yet";
  if (flag.help.startsWith("Accepted, without effect")) return "no effect";
  return kopiaFlags?.includes(flag.name) === true ? "same" : "own";
}

function variables(commands: readonly DocumentedCommand[]): string {
  const rows = new Map<string, string>();
  const flags = [
    ...Object.values(globalFlags),
    ...commands.flatMap(({ command }) => Object.values(command?.flags ?? {})),
  ];
  for (const flag of flags) {
    if (flag.env === undefined || rows.has(flag.env)) continue;
    const state = flag.unavailable === true ? "not yet" : flagState(flag, [flag.name]);
    rows.set(flag.env, `| \`${flag.env}\` | ${state} | \`--${flag.name}\` |`);
  }
  const others = OTHER_VARIABLES.map(([names, state, note]) => {
    const shown = names.split(", ").map((name) => `\`${name}\``);
    return `| ${shown.join(", ")} | ${state} | ${note} |`;
  });
  return [
    "| variable | state | meaning |",
    "| --- | --- | --- |",
    ...[...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row),
    ...others,
    "",
  ].join("\n");
}

async function differences(): Promise<string> {
  const rows: string[] = [];
  for (const { scenarios } of await loadMatrixGroups()) {
    for (const row of scenarios.flatMap((scenario) => scenario.rows)) {
      if (row.differs === undefined) continue;
      const line = `| \`kopia ${row.argv.join(" ").replaceAll("|", String.raw`\|`)}\` | ${row.differs} |`;
      if (!rows.includes(line)) rows.push(line);
    }
  }
  return [
    "## Where output differs\n",
    "The matrix of tests runs the same command lines by both programs. All print the same but these:\n",
    "| command line | difference |",
    "| --- | --- |",
    ...rows,
    "",
    "## Each command\n",
  ].join("\n");
}

function missingCommands(commands: readonly DocumentedCommand[]): string {
  const groups = new Map<string, string[]>();
  for (const command of commands) {
    if (command.command !== undefined) continue;
    const why = commandNote(command);
    groups.set(why, [...(groups.get(why) ?? []), `\`${command.name}\``]);
  }
  const lines = [...groups].map(([why, names]) => `- ${why}: ${names.join(", ")}`);
  return ["## Not yet\n", ...lines, ""].join("\n");
}

function anchor(name: string): string {
  return name.replaceAll(" ", "-");
}
