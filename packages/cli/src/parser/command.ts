import type { CommandContext } from "../command-context.ts";
import type { AnyFlag, FlagTable, FlagValues } from "./flag.ts";

/** One positional argument. Only the last one of a command may be repeated. */
export interface Argument<T> {
  readonly name: string;
  readonly help: string;
  readonly required: boolean;
  readonly repeated: boolean;
  read(raw: readonly string[]): T;
}

/** Any argument, where the value's type does not matter. */
export type AnyArgument = Argument<unknown>;

/** Arguments in the order they are given, by the names under which `run` sees them. */
export type ArgumentTable = Readonly<Record<string, AnyArgument>>;

/** Values of an argument table. */
export type ArgumentValues<A extends ArgumentTable> = {
  readonly [K in keyof A]: A[K] extends Argument<infer T> ? T : never;
};

/** What a command's `run` is given. */
export interface CommandInput<F extends FlagTable, A extends ArgumentTable> {
  readonly flags: FlagValues<F>;
  readonly arguments: ArgumentValues<A>;
}

/** A command as data: its flags, its arguments, what it does. */
export interface Command {
  readonly flags: FlagTable;
  readonly arguments: ArgumentTable;
  run(context: CommandContext, flags: unknown, args: unknown): Promise<void>;
}

/** Ties the types of flags and arguments to those that `run` sees. */
export function defineCommand<F extends FlagTable, A extends ArgumentTable>(definition: {
  readonly flags: F;
  readonly arguments: A;
  run(context: CommandContext, input: CommandInput<F, A>): Promise<void>;
}): Command {
  return {
    flags: definition.flags,
    arguments: definition.arguments,
    // The parser reads the values by the same tables, so the types hold.
    run: (context, flags, args) =>
      definition.run(context, {
        flags: flags as FlagValues<F>,
        arguments: args as ArgumentValues<A>,
      }),
  };
}

/** An argument that must be given. */
export function requiredArgument(name: string, help: string): Argument<string> {
  return { name, help, required: true, repeated: false, read: (raw) => raw[0] ?? "" };
}

/** An argument that may be left out. */
export function optionalArgument(name: string, help: string): Argument<string | undefined> {
  return { name, help, required: false, repeated: false, read: (raw) => raw[0] };
}

/** All remaining arguments. */
export function remainingArguments(
  name: string,
  help: string,
  options: { readonly required?: boolean } = {},
): Argument<readonly string[]> {
  return { name, help, required: options.required ?? false, repeated: true, read: (raw) => raw };
}

/** A command of the tree, loaded when it is needed. */
export interface CommandNode {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly hidden: boolean;
  readonly help: string;
  /** `undefined`: Kopia has it, this program not yet. */
  readonly load?: () => Promise<Command>;
}

/** A group of commands. */
export interface GroupNode {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly hidden: boolean;
  readonly help: string;
  readonly children: readonly TreeNode[];
}

/** A node of the command tree. */
export type TreeNode = CommandNode | GroupNode;

/** Whether a node is a group. */
export function isGroup(node: TreeNode): node is GroupNode {
  return "children" in node;
}

/** The flags of a table as a list. */
export function flagList(table: FlagTable): readonly AnyFlag[] {
  return Object.values(table);
}
