import type { FuzzDice } from "./fuzz-dice.ts";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const MAX_INPUT_BYTES = 2 ** 16;
const INTERESTING = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const TOKENS = [
  '"__proto__":{"a":1},',
  '"constructor":null,',
  "9007199254740993",
  "-9223372036854775808",
  "18446744073709551616",
  "1e400",
  "-0",
  "0.5",
  "null",
  "[[[[[[[[",
  "{}",
  '"\\ud800"',
  '"\\u0000"',
  "\u2028",
  ",",
  "}",
  "../",
  "_",
  "f".repeat(64),
];

/**
 * An input for a parser: arbitrary bytes now and then, else a real input that is changed: as a document where
 * it is JSON, otherwise byte by byte, by numbers, by pieces of it and of its like.
 */
export function mutate(seeds: readonly Uint8Array[], dice: FuzzDice): Uint8Array {
  const seed = seeds[dice.below(seeds.length)] ?? new Uint8Array(0);
  if (dice.oneIn(12)) return dice.bytes(dice.below(300));
  const json = dice.oneIn(3) ? undefined : parse(seed);
  let bytes = json === undefined ? seed.slice() : toBytes(mutateJson(json, dice));
  for (let i = json === undefined || dice.oneIn(4) ? 1 + dice.below(4) : 0; i > 0; i--) {
    bytes = mutateBytes(bytes, seeds, dice);
  }
  return bytes.subarray(0, MAX_INPUT_BYTES);
}

function mutateBytes(
  bytes: Uint8Array,
  seeds: readonly Uint8Array[],
  dice: FuzzDice,
): Uint8Array<ArrayBuffer> {
  const at = dice.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + dice.below(16));
  const before = bytes.subarray(0, at);
  switch (dice.below(8)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return join([before, bytes.subarray(end)]);
    case 2:
      return join([before, dice.bytes(dice.below(16)), bytes.subarray(at)]);
    case 3:
      return join([before, numberBytes(dice), bytes.subarray(end)]);
    case 4:
      return join([before, toBytes(dice.one(TOKENS)), bytes.subarray(end)]);
    case 5:
      // A piece of another input, at a place of its own.
      return join([before, (seeds[dice.below(seeds.length)] ?? before).subarray(at)]);
    case 6:
      return join([bytes.subarray(0, end), bytes.subarray(at)]);
    default: {
      const copy = bytes.slice();
      if (at < copy.length) copy[at] = dice.oneIn(2) ? dice.below(256) : (copy[at] as number) ^ 1;
      return copy;
    }
  }
}

/** A number that parsers are known to trip over, in 1 to 8 bytes of either order. */
function numberBytes(dice: FuzzDice): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(4, dice.one(INTERESTING));
  if (dice.oneIn(3)) view.setUint32(0, dice.one(INTERESTING));
  const bytes = new Uint8Array(view.buffer).subarray(8 - dice.one([1, 2, 4, 8]));
  return dice.oneIn(2) ? bytes : bytes.slice().reverse();
}

function mutateJson(value: Json, dice: FuzzDice): string {
  const places = placesOf(value);
  const chosen = dice.below(places.length);
  let index = 0;
  const write = (part: Json): string => {
    if (index++ === chosen) return replacement(part, dice);
    if (Array.isArray(part)) return `[${part.map(write).join(",")}]`;
    if (typeof part !== "object" || part === null) return JSON.stringify(part);
    const members = Object.entries(part).map(
      ([name, child]) => `${JSON.stringify(name)}:${write(child)}`,
    );
    return `{${members.join(",")}}`;
  };
  return write(value);
}

/** The same or another value in this place, as text: also what no value can be written as. */
function replacement(part: Json, dice: FuzzDice): string {
  const text = JSON.stringify(part);
  switch (dice.below(10)) {
    case 0:
      return dice.one(["null", "true", "0", '""', "[]", "{}", "-1", "9007199254740993", "1e400"]);
    case 1:
      return dice.one(["[", '{"a":']).repeat(1 + dice.below(300)) + text;
    case 2:
      return nest(text, 1 + dice.below(300));
    case 3:
      return `[${Array.from({ length: dice.below(50) }, () => text).join(",")}]`;
    case 4:
      return `{"__proto__":${text},"constructor":${text},"toString":${text}}`;
    case 5:
      return text.startsWith("{")
        ? `{"${dice.one(["a", "A", "__proto__"])}":1,${text.slice(1)}`
        : text;
    case 6:
      return text.startsWith("{")
        ? text.replace(/"(\w+)":/, (_, name: string) => caseOf(name, dice))
        : text;
    case 7:
      return JSON.stringify(
        dice.one(["", "\u0000", "..", "a/b", "\ud800", "x".repeat(5000), "k0"]),
      );
    case 8:
      return String(dice.one(INTERESTING) * dice.one([1, -1, 2 ** 22, 0.001]));
    default:
      return text.slice(0, dice.below(text.length + 1));
  }
}

function caseOf(name: string, dice: FuzzDice): string {
  return `"${dice.oneIn(2) ? name.toUpperCase() : `${name}":1,"${name}`}":`;
}

function nest(text: string, depth: number): string {
  return "[".repeat(depth) + text + "]".repeat(depth);
}

function placesOf(value: Json): Json[] {
  if (typeof value !== "object" || value === null) return [value];
  return [value, ...Object.values(value).flatMap(placesOf)];
}

function parse(bytes: Uint8Array): Json | undefined {
  if (bytes[0] !== 0x7b && bytes[0] !== 0x5b) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as Json;
  } catch {
    return undefined;
  }
}

function toBytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "utf8"));
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}
