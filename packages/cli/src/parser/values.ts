import { UsageError } from "./usage-error.ts";

const NS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86_400e9,
  w: 604_800e9,
};

const INTEGER = /^[+-]?\d+$/;
const FLOAT = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** A whole number. @throws UsageError with the text scripts know from Kopia. */
export function parseInteger(text: string): number {
  if (!INTEGER.test(text)) throw invalidSyntax("ParseInt", text);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw outOfRange("ParseInt", text);
  return value;
}

/** A number with an optional fraction. @throws UsageError. */
export function parseFloatValue(text: string): number {
  if (!FLOAT.test(text)) throw invalidSyntax("ParseFloat", text);
  return Number(text);
}

/** A count where Kopia also accepts a fraction, which it drops. @throws UsageError. */
export function parseCount(text: string): number {
  const value = Math.trunc(parseFloatValue(text));
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
}

/** `true`, `t`, `1`, `false`, `f`, `0` in the usual cases. @throws UsageError. */
export function parseBoolean(text: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw invalidSyntax("ParseBool", text);
}

/** A duration such as `1h30m`, `500ms`, `2d`, in nanoseconds. @throws UsageError. */
export function parseDurationNs(text: string): number {
  const sign = text.startsWith("-") ? -1 : 1;
  const body = text.replace(/^[+-]/, "");
  if (body === "0") return 0;
  const piece = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w)/y;
  let total = 0;
  let end = 0;
  for (let match = piece.exec(body); match !== null; match = piece.exec(body)) {
    total += Number(match[1]) * (NS_PER_UNIT[match[2] as string] as number);
    end = piece.lastIndex;
  }
  if (body === "" || end !== body.length)
    throw new UsageError(`time: invalid duration ${JSON.stringify(text)}`);
  return sign * Math.round(total);
}

/** One of a fixed list. @throws UsageError naming all of them. */
export function parseChoice(text: string, choices: readonly string[]): string {
  if (choices.includes(text)) return text;
  throw new UsageError(`enum value must be one of ${choices.join(",")}, got '${text}'`);
}

function invalidSyntax(parser: string, text: string): UsageError {
  return new UsageError(`strconv.${parser}: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function outOfRange(parser: string, text: string): UsageError {
  return new UsageError(`strconv.${parser}: parsing ${JSON.stringify(text)}: value out of range`);
}
