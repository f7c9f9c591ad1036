import {
  parseBoolean,
  parseByteSize,
  parseChoice,
  parseCount,
  parseDurationNs,
  parseFloatValue,
  parseInteger,
} from "./values.ts";

/** What every flag may say about itself. */
export interface FlagOptions {
  /** One letter, given as `-x`. */
  readonly short?: string;
  readonly help: string;
  /** Environment variable that is used when the flag is not given and the variable is not empty. */
  readonly env?: string;
  /** Left out of help unless `--help-full` is given. */
  readonly hidden?: boolean;
  readonly required?: boolean;
  /** Name of the value in help; default: the flag's name in capitals. */
  readonly placeholder?: string;
  /** Kopia has this flag, this program not yet: giving it is an error that says so. */
  readonly unavailable?: boolean;
}

/** One flag of a command, with the type of its value. */
export interface Flag<T> extends FlagOptions {
  readonly name: string;
  /** Given without a value, and as `--no-name`. */
  readonly isBoolean: boolean;
  /** May be given more than once. */
  readonly isRepeated: boolean;
  /** Values that may be given, where they are a fixed list. */
  readonly choices?: readonly string[];
  /** Default as help shows it; empty for none. */
  readonly defaultText: string;
  /** @param raw all texts given, `undefined` when the flag is absent. @throws UsageError. */
  read(raw: readonly string[] | undefined): T;
}

/** Any flag, where the value's type does not matter. */
export type AnyFlag = Flag<unknown>;

/** Flags of a command by the names under which `run` sees their values. */
export type FlagTable = Readonly<Record<string, AnyFlag>>;

/** Values of a flag table. */
export type FlagValues<F extends FlagTable> = {
  readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never;
};

/** `--name` and `--no-name`. */
export function booleanFlag(
  name: string,
  options: FlagOptions & { default?: boolean },
): Flag<boolean> {
  const fallback = options.default ?? false;
  return {
    ...base(name, options),
    isBoolean: true,
    defaultText: fallback ? "true" : "",
    read: (raw) => (raw === undefined ? fallback : parseBoolean(last(raw))),
  };
}

/** A boolean that knows whether it was given at all. */
export function optionalBooleanFlag(name: string, options: FlagOptions): Flag<boolean | undefined> {
  return {
    ...base(name, options),
    isBoolean: true,
    read: (raw) => (raw === undefined ? undefined : parseBoolean(last(raw))),
  };
}

/** A text. */
export function textFlag(name: string, options: FlagOptions & { default: string }): Flag<string>;
export function textFlag(name: string, options: FlagOptions): Flag<string | undefined>;
export function textFlag(
  name: string,
  options: FlagOptions & { default?: string },
): Flag<string | undefined> {
  return {
    ...base(name, options),
    defaultText: options.default === undefined ? "" : JSON.stringify(options.default),
    read: (raw) => (raw === undefined ? options.default : last(raw)),
  };
}

/** A text that may be given several times. */
export function listFlag(name: string, options: FlagOptions): Flag<readonly string[]> {
  return { ...base(name, options), isRepeated: true, read: (raw) => raw ?? [] };
}

/** A count; a fraction is dropped. */
export function countFlag(name: string, options: FlagOptions & { default: number }): Flag<number>;
export function countFlag(name: string, options: FlagOptions): Flag<number | undefined>;
export function countFlag(
  name: string,
  options: FlagOptions & { default?: number },
): Flag<number | undefined> {
  return numberFlag(name, options, parseCount);
}

/** A whole number. */
export function integerFlag(name: string, options: FlagOptions & { default: number }): Flag<number>;
export function integerFlag(name: string, options: FlagOptions): Flag<number | undefined>;
export function integerFlag(
  name: string,
  options: FlagOptions & { default?: number },
): Flag<number | undefined> {
  return numberFlag(name, options, parseInteger);
}

/** A number with a fraction. */
export function floatFlag(name: string, options: FlagOptions & { default: number }): Flag<number>;
export function floatFlag(name: string, options: FlagOptions): Flag<number | undefined>;
export function floatFlag(
  name: string,
  options: FlagOptions & { default?: number },
): Flag<number | undefined> {
  return numberFlag(name, options, parseFloatValue);
}

/** A duration; the value is in nanoseconds. */
export function durationFlag(name: string, options: FlagOptions): Flag<number | undefined>;
export function durationFlag(
  name: string,
  options: FlagOptions & { default: string },
): Flag<number>;
export function durationFlag(
  name: string,
  options: FlagOptions & { default?: string },
): Flag<number | undefined> {
  const fallback = options.default === undefined ? undefined : parseDurationNs(options.default);
  return {
    ...base(name, options),
    defaultText: options.default ?? "",
    read: (raw) => (raw === undefined ? fallback : parseDurationNs(last(raw))),
  };
}

/** A size with its unit, such as `1MB`; the value is in bytes. */
export function byteSizeFlag(
  name: string,
  options: FlagOptions & { default: string },
): Flag<number> {
  return {
    ...base(name, options),
    defaultText: options.default,
    read: (raw) => parseByteSize(raw === undefined ? options.default : last(raw)),
  };
}

/** One of a fixed list of words. */
export function choiceFlag(
  name: string,
  options: FlagOptions & { choices: readonly string[]; default: string },
): Flag<string>;
export function choiceFlag(
  name: string,
  options: FlagOptions & { choices: readonly string[] },
): Flag<string | undefined>;
export function choiceFlag(
  name: string,
  options: FlagOptions & { choices: readonly string[]; default?: string },
): Flag<string | undefined> {
  return {
    ...base(name, options),
    choices: options.choices,
    defaultText: options.default ?? "",
    read: (raw) => (raw === undefined ? options.default : parseChoice(last(raw), options.choices)),
  };
}

function numberFlag(
  name: string,
  options: FlagOptions & { default?: number },
  parse: (text: string) => number,
): Flag<number | undefined> {
  return {
    ...base(name, options),
    defaultText: options.default === undefined ? "" : String(options.default),
    read: (raw) => (raw === undefined ? options.default : parse(last(raw))),
  };
}

function base(name: string, options: FlagOptions): Omit<AnyFlag, "read"> {
  return { ...options, name, isBoolean: false, isRepeated: false, defaultText: "" };
}

function last(raw: readonly string[]): string {
  return raw.at(-1) ?? "";
}
