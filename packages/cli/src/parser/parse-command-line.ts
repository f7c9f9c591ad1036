import {
  isGroup,
  type ArgumentTable,
  type Command,
  type CommandNode,
  type GroupNode,
  type TreeNode,
} from "./command.ts";
import { FlagSet } from "./flag-set.ts";
import type { AnyFlag, FlagTable } from "./flag.ts";
import { UsageError } from "./usage-error.ts";

/** A command line that selects a command. */
export interface ParsedCommand {
  readonly kind: "command";
  /** Words of the command, such as `["snapshot", "list"]`, aliases resolved. */
  readonly path: readonly string[];
  readonly node: CommandNode;
  readonly command: Command;
  readonly flagSet: FlagSet;
  readonly flags: unknown;
  readonly arguments: unknown;
}

/** A command that Kopia has and this program has not. */
export interface UnavailableCommand {
  readonly kind: "unavailable";
  readonly path: readonly string[];
}

/** A request for help about a group or a command. */
export interface HelpRequest {
  readonly kind: "help";
  readonly path: readonly string[];
  readonly node: TreeNode;
  readonly full: boolean;
}

/** A request for the version. */
export interface VersionRequest {
  readonly kind: "version";
}

/** What a command line asks for. */
export type ParsedCommandLine = ParsedCommand | UnavailableCommand | HelpRequest | VersionRequest;

/** Inputs of the parser. */
export interface ParseInput {
  readonly argv: readonly string[];
  readonly root: GroupNode;
  readonly globalFlags: FlagTable;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads a command line the way Kopia does: flags may stand anywhere after the word that makes them
 * known, short flags may be joined, `--` ends the flags, every boolean has a `--no-` form.
 * @throws UsageError.
 */
export async function parseCommandLine(input: ParseInput): Promise<ParsedCommandLine> {
  const walk = new CommandLineWalk(input);
  return walk.run();
}

class CommandLineWalk {
  readonly #input: ParseInput;
  readonly #flagSet = new FlagSet();
  readonly #tokens: string[];
  readonly #path: string[] = [];
  readonly #words: string[] = [];
  #node: TreeNode;
  #command: Command | undefined;
  #flagsEnded = false;

  constructor(input: ParseInput) {
    this.#input = input;
    this.#tokens = [...input.argv];
    this.#node = input.root;
    this.#flagSet.add(input.globalFlags);
  }

  async run(): Promise<ParsedCommandLine> {
    for (let token = this.#tokens.shift(); token !== undefined; token = this.#tokens.shift()) {
      if (this.#flagsEnded || !token.startsWith("-") || token === "-") await this.#takeWord(token);
      else if (token === "--") this.#flagsEnded = true;
      else if (token.startsWith("--")) this.#takeLongFlag(token.slice(2));
      else this.#takeShortFlags(token.slice(1));
    }
    return this.#finish();
  }

  async #takeWord(word: string): Promise<void> {
    if (!isGroup(this.#node)) {
      this.#words.push(word);
      return;
    }
    if (word === "help" && this.#path.length === 0) {
      this.#takeHelpWords();
      return;
    }
    const child = findChild(this.#node, word);
    if (child === undefined)
      throw new UsageError(`expected command but got ${JSON.stringify(word)}`);
    this.#node = child;
    this.#path.push(child.name);
    if (isGroup(child) || child.load === undefined) return;
    this.#command = await child.load();
    this.#flagSet.add(this.#command.flags);
  }

  /** `help snapshot list` means `snapshot list --help`. */
  #takeHelpWords(): void {
    while (this.#tokens[0] !== undefined && isGroup(this.#node)) {
      const child = findChild(this.#node, this.#tokens[0]);
      if (child === undefined)
        throw new UsageError(`expected command but got ${JSON.stringify(this.#tokens[0])}`);
      this.#tokens.shift();
      this.#node = child;
      this.#path.push(child.name);
    }
    this.#flagSet.give(this.#flagSet.findLong("help").flag, "true");
  }

  #takeLongFlag(text: string): void {
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    // Flags of a command that is not available here are unknown too: its own refusal says more.
    if (this.#isUnavailable()) return;
    const { flag, negated } = this.#flagSet.findLong(name);
    if (flag.isBoolean) {
      if (equals >= 0) throw new UsageError(`unexpected ${text.slice(equals + 1)}`);
      this.#flagSet.give(flag, negated ? "false" : "true");
      return;
    }
    this.#flagSet.give(flag, equals < 0 ? this.#takeValue(`--${name}`) : text.slice(equals + 1));
  }

  #takeShortFlags(letters: string): void {
    for (let i = 0; i < letters.length; i++) {
      if (this.#isUnavailable()) return;
      const letter = letters.charAt(i);
      const flag = this.#flagSet.findShort(letter);
      if (flag.isBoolean) {
        this.#flagSet.give(flag, "true");
        continue;
      }
      const rest = letters.slice(i + 1);
      this.#flagSet.give(flag, rest === "" ? this.#takeValue(`-${letter}`) : rest);
      return;
    }
  }

  #takeValue(shownName: string): string {
    const value = this.#tokens[0];
    if (value === undefined || (value.startsWith("-") && value !== "-"))
      throw new UsageError(`expected argument for flag '${shownName}'`);
    this.#tokens.shift();
    return value;
  }

  #isUnavailable(): boolean {
    return !isGroup(this.#node) && this.#node.load === undefined;
  }

  #finish(): ParsedCommandLine {
    if (this.#isOn("version")) return { kind: "version" };
    const full = this.#isOn("help-full");
    const wantsHelp = full || this.#isOn("help") || this.#isOn("help-long");
    if (wantsHelp || this.#path.length === 0)
      return { kind: "help", path: this.#path, node: this.#node, full };
    if (isGroup(this.#node))
      throw new UsageError(`must select a subcommand of '${this.#path.join(" ")}'`);
    if (this.#command === undefined) return { kind: "unavailable", path: this.#path };
    const args = assignArguments(this.#command.arguments, this.#words);
    const flags = this.#flagSet.values(this.#command.flags, this.#input.env);
    return {
      kind: "command",
      path: this.#path,
      node: this.#node,
      command: this.#command,
      flagSet: this.#flagSet,
      flags,
      arguments: args,
    };
  }

  #isOn(name: string): boolean {
    return this.#flagSet.isGiven(this.#flagSet.findLong(name).flag);
  }
}

/** The unavailable flag that was given, if any. */
export function givenUnavailableFlag(
  parsed: ParsedCommand,
  globalFlags: FlagTable,
): AnyFlag | undefined {
  return [...Object.values(globalFlags), ...Object.values(parsed.command.flags)].find(
    (flag) => flag.unavailable === true && parsed.flagSet.isGiven(flag),
  );
}

function findChild(group: GroupNode, word: string): TreeNode | undefined {
  return group.children.find((child) => child.name === word || child.aliases.includes(word));
}

function assignArguments(table: ArgumentTable, words: readonly string[]): unknown {
  const values = Object.create(null) as Record<string, unknown>;
  let next = 0;
  for (const [key, argument] of Object.entries(table)) {
    const end = argument.repeated ? words.length : Math.min(next + 1, words.length);
    const raw = words.slice(next, end);
    if (raw.length === 0 && argument.required)
      throw new UsageError(`required argument '${argument.name}' not provided`);
    values[key] = argument.read(raw);
    next = end;
  }
  if (next < words.length) throw new UsageError(`unexpected ${words[next]}`);
  return values;
}
