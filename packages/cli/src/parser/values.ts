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

const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1 };
for (const [power, letter] of ["K", "M", "G", "T", "P"].entries()) {
  Object.assign(SIZE_UNITS, {
    [`${letter}B`]: 1024 ** (power + 1),
    [`${letter}iB`]: 1024 ** (power + 1),
  });
}

/** A size such as `1MB`, `1.5MiB`, `1MB512KB`: powers of 1024 either way (spec 3 §6.2). @throws UsageError. */
export function parseByteSize(text: string): number {
  const piece = /(\d+\.?\d*|\.\d+)([A-Za-z]*)/y;
  let total = 0;
  let end = 0;
  for (let match = piece.exec(text); match !== null; match = piece.exec(text)) {
    const [, number, unit = ""] = match;
    const factor = SIZE_UNITS[unit];
    if (factor === undefined) throw new UsageError(`units: unknown unit ${unit} in ${text}`);
    total += Number(number) * factor;
    end = piece.lastIndex;
  }
  if (text === "" || end !== text.length) throw new UsageError(`units: invalid ${text}`);
  return Math.trunc(total);
}

/** A size as `parseByteSize` reads it, exactly. */
export function formatByteSize(lengthBytes: number): string {
  let rest = lengthBytes;
  let text = "";
  for (const [power, letter] of ["P", "T", "G", "M", "K"].entries()) {
    const factor = 1024 ** (5 - power);
    const count = Math.floor(rest / factor);
    if (count > 0) text += `${count}${letter}iB`;
    rest -= count * factor;
  }
  return rest > 0 || text === "" ? `${text}${rest}B` : text;
}
