import type { AnyFlag, FlagTable } from "./flag.ts";
import { UsageError } from "./usage-error.ts";

/** A flag found by its name as written. */
export interface FoundFlag {
  readonly flag: AnyFlag;
  /** Written as `--no-name`. */
  readonly negated: boolean;
}

/** Collects the flags of a command line: which are known so far, and what was given for each. */
export class FlagSet {
  readonly #long = new Map<string, FoundFlag>();
  readonly #short = new Map<string, AnyFlag>();
  readonly #given = new Map<AnyFlag, string[]>();

  /** Makes more flags known: the global ones first, then those of the chosen command. */
  add(table: FlagTable): void {
    for (const flag of Object.values(table)) {
      this.#long.set(flag.name, { flag, negated: false });
      if (flag.isBoolean) this.#long.set(`no-${flag.name}`, { flag, negated: true });
      if (flag.short !== undefined) this.#short.set(flag.short, flag);
    }
  }

  /** @param name without the leading `--`. @throws UsageError. */
  findLong(name: string): FoundFlag {
    const found = this.#long.get(name);
    if (found === undefined) throw new UsageError(`unknown long flag '--${name}'`);
    return found;
  }

  /** @param letter without the leading `-`. @throws UsageError. */
  findShort(letter: string): AnyFlag {
    const flag = this.#short.get(letter);
    if (flag === undefined) throw new UsageError(`unknown short flag '-${letter}'`);
    return flag;
  }

  /** Records a value. @throws UsageError when a flag that may be given once is given again. */
  give(flag: AnyFlag, text: string): void {
    const values = this.#given.get(flag);
    if (values === undefined) {
      this.#given.set(flag, [text]);
      return;
    }
    if (!flag.isRepeated) throw new UsageError(`flag '${flag.name}' cannot be repeated`);
    values.push(text);
  }

  isGiven(flag: AnyFlag): boolean {
    return this.#given.has(flag);
  }

  /** Values of a table, from the command line, then the environment, then defaults. @throws UsageError. */
  values(table: FlagTable, env: Readonly<Record<string, string | undefined>>): unknown {
    const missing: string[] = [];
    const values = Object.create(null) as Record<string, unknown>;
    for (const [key, flag] of Object.entries(table)) {
      const raw = this.#given.get(flag) ?? fromEnvironment(flag, env);
      if (raw === undefined && flag.required === true) missing.push(`'--${flag.name}'`);
      values[key] = flag.read(raw);
    }
    if (missing.length > 0)
      throw new UsageError(`required flag(s) ${missing.join(", ")} not provided`);
    return values;
  }
}

function fromEnvironment(
  flag: AnyFlag,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] | undefined {
  const text = flag.env === undefined ? undefined : env[flag.env];
  if (text === undefined || text === "") return undefined;
  return flag.isRepeated ? text.split("\n") : [text];
}
