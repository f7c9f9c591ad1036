import { createHash, hash } from "node:crypto";

/** A JSON value of a vector. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/** Members of an input or of a result. */
export type Fields = { readonly [key: string]: Json };

/** Where the expected result comes from. */
export type Provenance =
  | "recorded from the original program"
  | "published standard"
  | "computed by two providers"
  | "computed";

/** One vector: an operation, its input, and what must come out. */
export interface Vector {
  readonly id: string;
  /** Heading number in docs/FORMAT.md. */
  readonly section: string;
  readonly provenance: Provenance;
  readonly operation: string;
  readonly input: Fields;
  readonly expected: Fields;
}

/** A vector before its result is known; `expected` is what somebody else says it must be. */
export interface VectorCase extends Omit<Vector, "expected"> {
  /** Members that the result must have: the independent truth. */
  readonly truth?: Fields;
}

/** Which of two implementations runs an operation. */
export type Provider = "fast" | "portable";

/** Runs one operation; it throws nothing but for hostile input, which is reported as `refused`. */
export type Operation = (input: Fields, provider: Provider) => Fields | Promise<Fields>;

/** Bytes of a hex member. */
export function hexBytes(value: Json | undefined): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text(value), "hex"));
}

/** A string member. */
export function text(value: Json | undefined): string {
  if (typeof value !== "string") throw new TypeError(`expected a string, found ${typeof value}`);
  return value;
}

/** A number member. */
export function number(value: Json | undefined): number {
  if (typeof value !== "number") throw new TypeError(`expected a number, found ${typeof value}`);
  return value;
}

/** A list member. */
export function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** An object member. */
export function fields(value: Json | undefined): Fields {
  return value as Fields;
}

/** SHA-256 in hex. */
export function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

const generated = new Map<string, Uint8Array<ArrayBuffer>>();

/**
 * The bytes that a `data` member states: `{hex}`, `{utf8}`, or a generator with a length.
 * `counter-sha256`: SHA-256(u32be(i)) for i = 0, 1, …, one after another, cut to the length.
 * `repeat`: one byte. `affine`: byte i is (factor · i + offset) mod 256.
 */
export function dataOf(value: Json | undefined): Uint8Array<ArrayBuffer> {
  const data = fields(value);
  if (data["hex"] !== undefined) return hexBytes(data["hex"]);
  if (data["utf8"] !== undefined) return Uint8Array.from(Buffer.from(text(data["utf8"]), "utf8"));
  const key = JSON.stringify(data);
  const known = generated.get(key) ?? generate(data);
  generated.set(key, known);
  return known;
}

function generate(data: Fields): Uint8Array<ArrayBuffer> {
  const length = number(data["length"]);
  switch (data["generator"]) {
    case "counter-sha256":
      return counterSha256(length);
    case "repeat":
      return new Uint8Array(length).fill(number(data["byte"]));
    case "affine": {
      const factor = number(data["factor"]);
      const offset = number(data["offset"]);
      return Uint8Array.from({ length }, (_, i) => (factor * i + offset) % 256);
    }
    default:
      throw new TypeError(`unknown generator ${JSON.stringify(data["generator"])}`);
  }
}

function counterSha256(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil(length / 32) * 32);
  const counter = Buffer.alloc(4);
  for (let i = 0; i * 32 < length; i++) {
    counter.writeUInt32BE(i);
    bytes.set(hash("sha256", counter, "buffer"), i * 32);
  }
  return bytes.subarray(0, length);
}
