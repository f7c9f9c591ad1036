import { KopiaError } from "@kopia-engine/kopia-format";
import { uniqueTexts, uniqueTimes } from "./merge-policies.ts";
import { getPolicyField, withPolicyField } from "./policy-access.ts";
import { policyFieldRule, type PolicyField } from "./policy-fields.ts";
import type { ActionCommand, Policy, TimeOfDay } from "./policy.ts";

/** Values by which a person gives a field back to inheritance. */
const CLEARING_WORDS: ReadonlySet<string> = new Set(["", "inherit", "default"]);

/** One change of a policy; `applyPolicyChanges` carries it out. */
export type PolicyChange =
  /**
   * The value as a person writes it: `5`, `true`, `zstd`, `03:00,15:30`, cron expressions separated by `;`.
   * An empty text, `inherit` and `default` clear the field (spec 2 §9.13).
   */
  | { readonly kind: "set"; readonly field: PolicyField; readonly text: string }
  /** A command, or none. */
  | {
      readonly kind: "action";
      readonly field: PolicyField;
      readonly action: ActionCommand | undefined;
    }
  | { readonly kind: "clear"; readonly field: PolicyField }
  /** Lists stay sorted and without repetition. */
  | {
      readonly kind: "add" | "remove";
      readonly field: PolicyField;
      readonly items: readonly string[];
    }
  | { readonly kind: "noParent"; readonly value: boolean };

/** A changed policy, and how many of the changes made a difference. */
export interface ChangedPolicy {
  readonly policy: Policy;
  readonly changeCount: number;
}

/**
 * Applies changes to a policy in their order.
 * @throws KopiaError `POLICY_INVALID` naming field and value.
 */
export function applyPolicyChanges(
  policy: Policy,
  changes: readonly PolicyChange[],
): ChangedPolicy {
  let changed = policy;
  let changeCount = 0;
  for (const change of changes) {
    const next = applyChange(changed, change);
    if (next !== changed) changeCount++;
    changed = next;
  }
  return { policy: changed, changeCount };
}

function applyChange(policy: Policy, change: PolicyChange): Policy {
  switch (change.kind) {
    case "noParent":
      return withNoParent(policy, change.value);
    case "set":
      return replaceField(policy, change.field, parseFieldText(change.field, change.text));
    case "action":
      return replaceField(policy, change.field, change.action);
    case "clear":
      return replaceField(policy, change.field, undefined);
    default:
      return replaceField(policy, change.field, changedList(policy, change));
  }
}

function withNoParent(policy: Policy, noParent: boolean): Policy {
  if ((policy.noParent ?? false) === noParent) return policy;
  const { noParent: _, ...rest } = policy;
  return noParent ? { ...rest, noParent } : rest;
}

/** The same object when the field has that value already. */
function replaceField(policy: Policy, field: PolicyField, value: unknown): Policy {
  const before = getPolicyField(policy, field);
  return isSameValue(before, value) ? policy : withPolicyField(policy, field, value);
}

function isSameValue(a: unknown, b: unknown): boolean {
  return a === b || fingerprint(a) === fingerprint(b);
}

function fingerprint(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "bigint" ? `${part}n` : part,
  );
}

function changedList(
  policy: Policy,
  change: Extract<PolicyChange, { readonly kind: "add" | "remove" }>,
): readonly string[] | undefined {
  const { field, items } = change;
  if (policyFieldRule(field).kind !== "texts") throw invalid(field, "it is not a list");
  const before = (getPolicyField(policy, field) ?? []) as readonly string[];
  const removed = new Set(change.kind === "remove" ? items : []);
  const after = uniqueTexts(
    [...before, ...(change.kind === "add" ? items : [])].filter((item) => !removed.has(item)),
  );
  return after.length === 0 ? undefined : after;
}

/** Value of a field from the text of a flag; `undefined` clears it. */
function parseFieldText(field: PolicyField, text: string): unknown {
  if (CLEARING_WORDS.has(text)) return undefined;
  switch (policyFieldRule(field).kind) {
    case "count":
      return parseCount(field, text);
    case "switch":
      return parseSwitch(field, text);
    case "flag":
      return parseSwitch(field, text) ? true : undefined;
    case "size":
      return parseSize(field, text) || undefined;
    case "optionalSize":
      return parseSize(field, text);
    case "text":
      return text;
    case "times":
      return parseTimes(field, text);
    case "texts":
      return nonEmpty(splitTexts(field, text));
    case "action":
      throw invalid(field, "an action has no text form");
  }
}

function parseCount(field: PolicyField, text: string): number {
  const value = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(value)) throw invalid(field, `expected a number, found "${text}"`);
  return value;
}

function parseSize(field: PolicyField, text: string): bigint {
  const value = /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || BigInt.asIntN(64, value) !== value) {
    throw invalid(field, `expected a number of at most 64 bits, found "${text}"`);
  }
  return value;
}

function parseSwitch(field: PolicyField, text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw invalid(field, `expected true, false or inherit, found "${text}"`);
}

function parseTimes(field: PolicyField, text: string): TimeOfDay[] | undefined {
  const times = text.split(",").map((part) => {
    const [, hour, min] = /^\s*(\d{1,2}):(\d{2})\s*$/.exec(part) ?? [];
    const time = { hour: Number(hour), min: Number(min) };
    if (time.hour <= 23 && time.min <= 59) return time;
    throw invalid(field, `expected a time HH:MM, found "${part}"`);
  });
  return nonEmpty(uniqueTimes(times));
}

/** Cron expressions are separated by `;` and keep their order; other lists by `,`, sorted. */
function splitTexts(field: PolicyField, text: string): string[] {
  const isCron = field === "scheduling.cron";
  const parts = text.split(isCron ? ";" : ",").map((part) => part.trim());
  const texts = parts.filter((part) => part !== "");
  return isCron ? texts : uniqueTexts(texts);
}

function nonEmpty<T>(list: T[]): T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function invalid(field: PolicyField, problem: string): KopiaError {
  return new KopiaError("POLICY_INVALID", `policy field ${field}: ${problem}`, {
    details: { field },
  });
}
