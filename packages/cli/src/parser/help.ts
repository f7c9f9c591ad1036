import { globalFlags } from "../global-flags.ts";
import type { TextOutput } from "../output/text-output.ts";
import {
  flagList,
  isGroup,
  type AnyArgument,
  type Command,
  type CommandNode,
  type GroupNode,
  type TreeNode,
} from "./command.ts";
import type { AnyFlag } from "./flag.ts";
import type { HelpRequest } from "./parse-command-line.ts";

const NAME_COLUMN_WIDTH = 34;

/** Prints help for a group or a command. */
export async function printHelp(out: TextOutput, request: HelpRequest): Promise<void> {
  const { node, path, full } = request;
  const command = isGroup(node) ? undefined : await node.load?.();
  out.line(`usage: ${["kopia", ...path].join(" ")} ${usageTail(node, command)}`);
  out.line("");
  out.line(node.help);
  if (!isGroup(node) && node.load === undefined) out.line("\nNot available in this program yet.");
  if (node.aliases.length > 0) out.line(`\nAlias: ${node.aliases.join(", ")}`);
  if (command !== undefined) {
    printArguments(out, Object.values(command.arguments));
    printFlags(out, "Flags:", flagList(command.flags), full);
  }
  printFlags(out, "Flags of every command:", flagList(globalFlags), full);
  if (isGroup(node)) printCommands(out, node, { path, full });
  if (!full) out.line("\nUse --help-full to see everything that is hidden.");
}

/** The commands below a group with their full names, depth first. */
export function commandsBelow(
  group: GroupNode,
  path: readonly string[] = [],
): readonly {
  readonly path: readonly string[];
  readonly node: CommandNode;
  readonly hidden: boolean;
}[] {
  return group.children.flatMap((child) => {
    const childPath = [...path, child.name];
    if (!isGroup(child)) return [{ path: childPath, node: child, hidden: child.hidden }];
    const below = commandsBelow(child, childPath);
    return child.hidden ? below.map((entry) => ({ ...entry, hidden: true })) : below;
  });
}

/** How an argument is written in a usage line. */
export function argumentUsage(argument: AnyArgument): string {
  const name = `<${argument.name}>${argument.repeated ? "..." : ""}`;
  return argument.required ? name : `[${name}]`;
}

/** How a flag is written in help, such as `-n, --max-results=N`. */
export function flagUsage(flag: AnyFlag): string {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  if (flag.isBoolean) return `${short}--[no-]${flag.name}`;
  const value = flag.defaultText || (flag.placeholder ?? flag.name.toUpperCase());
  return `${short}--${flag.name}=${value}${flag.isRepeated ? " ..." : ""}`;
}

function usageTail(node: TreeNode, command: Command | undefined): string {
  if (isGroup(node)) return "[<flags>] <command> [<args> ...]";
  const args = Object.values(command?.arguments ?? {}).map(argumentUsage);
  return ["[<flags>]", ...args].join(" ");
}

function printArguments(out: TextOutput, args: readonly AnyArgument[]): void {
  if (args.length === 0) return;
  out.line("\nArguments:");
  for (const argument of args) printColumns(out, argumentUsage(argument), argument.help);
}

function printFlags(
  out: TextOutput,
  title: string,
  flags: readonly AnyFlag[],
  full: boolean,
): void {
  const shown = flags.filter((flag) => full || flag.hidden !== true);
  if (shown.length === 0) return;
  out.line(`\n${title}`);
  for (const flag of shown) {
    const env = flag.env === undefined ? "" : ` ($${flag.env})`;
    const unavailable = flag.unavailable === true ? " [not available yet]" : "";
    printColumns(out, flagUsage(flag), `${flag.help}${env}${unavailable}`);
  }
}

function printCommands(
  out: TextOutput,
  group: GroupNode,
  options: { readonly path: readonly string[]; readonly full: boolean },
): void {
  out.line("\nCommands:");
  for (const entry of commandsBelow(group, options.path)) {
    if (entry.hidden && !options.full) continue;
    const unavailable = entry.node.load === undefined ? " [not available yet]" : "";
    printColumns(out, entry.path.join(" "), `${entry.node.help}${unavailable}`);
  }
}

function printColumns(out: TextOutput, name: string, text: string): void {
  const left = `  ${name}`;
  if (left.length < NAME_COLUMN_WIDTH) out.line(`${left.padEnd(NAME_COLUMN_WIDTH)}${text}`);
  else out.line(`${left}\n${" ".repeat(NAME_COLUMN_WIDTH)}${text}`);
}
