import { KopiaError, parseGoDuration } from "@kopia-engine/kopia-format";
import type { Environment } from "./environment.ts";

/** Whether a variable is set to anything. */
export function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}

/** A variable that must be set. @throws KopiaError `MOVER_ENVIRONMENT`, in the words that people know (spec 4 §2.1). */
export function required(env: Environment, name: string): string {
  const value = optional(env, name);
  if (value === undefined) throw new KopiaError("MOVER_ENVIRONMENT", `${name} must be defined`);
  return value;
}

/** A variable, `undefined` when it is absent or empty. */
export function optional(env: Environment, name: string): string | undefined {
  const value = env[name];
  return isSet(value) ? value : undefined;
}

/** A whole number from 0. @throws KopiaError `MOVER_ENVIRONMENT`. */
export function count(env: Environment, name: string): number | undefined {
  const value = optional(env, name);
  if (value === undefined) return undefined;
  if (!/^\d{1,15}$/.test(value)) throw invalid(name, value, "a whole number");
  return Number(value);
}

/** `true` or `false`, as words or digits. @throws KopiaError `MOVER_ENVIRONMENT`. */
export function flag(env: Environment, name: string, fallback = false): boolean {
  const value = optional(env, name)?.toLowerCase();
  if (value === undefined) return fallback;
  if (["true", "1", "yes"].includes(value)) return true;
  if (["false", "0", "no"].includes(value)) return false;
  throw invalid(name, value, "true or false");
}

/** A duration such as `90s` or `2h30m`, in milliseconds. @throws KopiaError `MOVER_ENVIRONMENT`. */
export function durationMs(env: Environment, name: string): number | undefined {
  const value = optional(env, name);
  if (value === undefined) return undefined;
  const durationNs = parseGoDuration(value);
  if (durationNs !== undefined && durationNs > 0n) return Number(durationNs) / 1e6;
  throw invalid(name, value, "a duration such as 90s or 2h30m");
}

/** An object with the key, or without it: optional properties here are absent, never `undefined`. */
export function present<K extends string, V>(
  key: K,
  value: V | undefined,
): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}

/** The refusal of a value. */
export function invalid(name: string, value: string, expected: string): KopiaError {
  return new KopiaError("MOVER_ENVIRONMENT", `${name} must be ${expected}, not "${value}"`);
}
