import { errorMessage } from "@kopia-engine/kopia-format";
import {
  applyPolicyChanges,
  type Policy,
  type PolicyChange,
  type PolicyField,
} from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import type { Log } from "../../output/log.ts";

/** Collects the changes of one `policy set`, telling each in Kopia's words. */
export class ChangeList {
  readonly #log: Log;
  #policy: Policy;
  #toldCount = 0;

  constructor(log: Log, policy: Policy) {
    this.#log = log;
    this.#policy = policy;
  }

  /** The policy with all changes so far. */
  get policy(): Policy {
    return this.#policy;
  }

  /** Whether anything was asked for, also when it made no difference. */
  get isEmpty(): boolean {
    return this.#toldCount === 0;
  }

  /** Makes a change and tells it. @param told text after ` - `, or `undefined` for silence. */
  make(change: PolicyChange, told?: string): void {
    if (told !== undefined) this.#log.info(` - ${told}`);
    this.#toldCount++;
    this.#policy = applyPolicyChanges(this.#policy, [change]).policy;
  }

  /** Sets a field from a text, or clears it for `inherit` and `default`. */
  setText(field: PolicyField, text: string | undefined, name: string): void {
    if (text === undefined) return;
    if (isInherit(text)) this.#reset(field, name);
    else this.make({ kind: "set", field, text }, `setting ${JSON.stringify(name)} to ${text}.`);
  }

  /** Sets a whole number. @throws CommandError with Kopia's text when it is none. */
  setNumber(field: PolicyField, text: string | undefined, names: NumberNames): void {
    if (text === undefined) return;
    if (isInherit(text)) {
      this.#reset(field, names.name);
      return;
    }
    const value = parseNumber(text, names);
    const shown = names.format?.(value) ?? String(value);
    const stored = value * BigInt(names.factor ?? 1);
    this.make(
      { kind: "set", field, text: String(stored) },
      `setting ${JSON.stringify(names.name)} to ${shown}.`,
    );
  }

  /** Adds to, removes from and empties a list. */
  changeList(field: PolicyField, name: string, lists: ListChanges): void {
    const quotedName = JSON.stringify(name);
    if (lists.clear) {
      // Kopia drops what was to be added as well.
      this.make({ kind: "clear", field }, `removing all from ${quotedName}`);
      return;
    }
    for (const item of lists.add)
      this.make(
        { kind: "add", field, items: [item] },
        `adding ${JSON.stringify(item)} to ${quotedName}`,
      );
    for (const item of lists.remove)
      this.make(
        { kind: "remove", field, items: [item] },
        `removing ${JSON.stringify(item)} from ${quotedName}`,
      );
  }

  #reset(field: PolicyField, name: string): void {
    const told = `resetting ${JSON.stringify(name)} to a default value inherited from parent.`;
    this.make({ kind: "clear", field }, told);
  }
}

/** How a number is named in messages, and how it is stored. */
export interface NumberNames {
  readonly name: string;
  /** Name in the error, quotes included where Kopia has them. */
  readonly errorName: string;
  /** What the number is multiplied with before it is stored. Default 1. */
  readonly factor?: number;
  readonly format?: (value: bigint) => string;
}

/** Changes of a list. */
export interface ListChanges {
  readonly add: readonly string[];
  readonly remove: readonly string[];
  readonly clear: boolean;
}

/** Whether a value gives the field back to inheritance. */
export function isInherit(text: string): boolean {
  return text === "inherit" || text === "default";
}

/** The reason in a message of the policy library, without the target that Kopia names elsewhere. */
export function withoutTarget(message: string): string {
  return message.replace(/^policy of .*?: (?=invalid )/, "");
}

/** Runs one section of changes; its errors are named after it. */
export function inSection(name: string, change: () => void): void {
  try {
    change();
  } catch (error) {
    throw new CommandError(`${name}: ${errorMessage(error)}`, { cause: error });
  }
}

function parseNumber(text: string, { errorName }: NumberNames): bigint {
  if (!/^[+-]?\d{1,18}$/.test(text)) {
    const quoted = JSON.stringify(text);
    throw new CommandError(
      `can't parse the ${errorName} ${quoted}: strconv.ParseInt: parsing ${quoted}: invalid syntax`,
    );
  }
  return BigInt(text);
}
