import { compareUtf8 } from "../model/name-order.ts";
import { sourcesEqual, type Source } from "../model/source.ts";
import { getPolicyField, withPolicyField } from "./policy-access.ts";
import { POLICY_FIELD_NAMES, policyFieldRule, type PolicyField } from "./policy-fields.ts";
import { DEFAULT_POLICY, EMPTY_POLICY, type Policy, type TimeOfDay } from "./policy.ts";

/** A policy of the hierarchy. */
export interface PolicyLevel {
  readonly target: Source;
  readonly policy: Policy;
}

/** What holds for a target, and why. */
export interface EffectivePolicy {
  readonly policy: Policy;
  /**
   * Target whose policy gave the field (for lists that are joined: the most specific one); fields that no
   * stored policy gives are absent.
   */
  readonly definedBy: ReadonlyMap<PolicyField, Source>;
}

/** A level with where it comes from; the built-in defaults have no target. */
interface MergeLevel {
  readonly target: Source | undefined;
  readonly policy: Policy;
}

/**
 * Merges policies from the most specific to the most general (spec 2 §8.4), then the built-in defaults. A level
 * with `noParent` is the last one, and leaves the defaults out.
 * @param target the target that is asked about: only its own level gives folder actions.
 * @param levels most specific first.
 */
export function mergePolicies(target: Source, levels: readonly PolicyLevel[]): EffectivePolicy {
  const stop = levels.findIndex(({ policy }) => policy.noParent === true);
  const reachesDefaults = stop < 0;
  const merged: MergeLevel[] = reachesDefaults
    ? [...levels, { target: undefined, policy: DEFAULT_POLICY }]
    : levels.slice(0, stop + 1);
  const definedBy = new Map<PolicyField, Source>();
  let policy: Policy = EMPTY_POLICY;
  for (const field of POLICY_FIELD_NAMES) {
    const { merge } = policyFieldRule(field);
    // Folder actions are only given when the merge ran to its end (spec 2 §8.4, corrected).
    if (merge === "ownOnly" && !reachesDefaults) continue;
    const candidates =
      merge === "ownOnly" ? merged.filter((level) => isLevelOf(level, target)) : merged;
    const value = mergeField(field, candidates);
    if (value === undefined) continue;
    policy = withPolicyField(policy, field, value);
    const giver = candidates.find((level) => getPolicyField(level.policy, field) !== undefined);
    if (giver?.target !== undefined) definedBy.set(field, giver.target);
  }
  return { policy, definedBy };
}

function isLevelOf(level: MergeLevel, target: Source): boolean {
  return level.target !== undefined && sourcesEqual(level.target, target);
}

function mergeField(field: PolicyField, levels: readonly MergeLevel[]): unknown {
  const { kind, merge, stopField } = policyFieldRule(field);
  const values = levels.map(({ policy }) => getPolicyField(policy, field));
  if (merge !== "union") return values.find((value) => value !== undefined);
  const stop = levels.findIndex(
    ({ policy }) => getPolicyField(policy, stopField as PolicyField) === true,
  );
  const joined = (stop < 0 ? values : values.slice(0, stop + 1)).flatMap(
    (value) => (value ?? []) as readonly unknown[],
  );
  if (joined.length === 0) return undefined;
  return kind === "times"
    ? uniqueTimes(joined as readonly TimeOfDay[])
    : uniqueTexts(joined as readonly string[]);
}

/** Sorted bytewise and without repetition. */
export function uniqueTexts(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort(compareUtf8);
}

/** Sorted by hour and minute and without repetition. */
export function uniqueTimes(times: readonly TimeOfDay[]): TimeOfDay[] {
  const byMinute = new Map(times.map((time) => [time.hour * 60 + time.min, time]));
  return [...byMinute.entries()].sort(([a], [b]) => a - b).map(([, time]) => time);
}
