import { KopiaError } from "@kopia-engine/kopia-format";
import type { Source } from "../model/source.ts";
import type { PolicyField } from "./policy-fields.ts";
import type { Policy } from "./policy.ts";

/** A policy of the hierarchy. */
export interface PolicyLevel {
  readonly target: Source;
  readonly policy: Policy;
}

/** What holds for a target, and why. */
export interface EffectivePolicy {
  readonly policy: Policy;
  /** Target whose policy gave the field; fields that no stored policy gives are absent. */
  readonly definedBy: ReadonlyMap<PolicyField, Source>;
}

/**
 * Merges policies from the most specific to the most general (spec 2 §8.4), then the built-in defaults
 * unless a level has `noParent`.
 * @param levels most specific first; the first counts as the exact target when `target` equals its own.
 */
export function mergePolicies(target: Source, levels: readonly PolicyLevel[]): EffectivePolicy {
  void target;
  void levels;
  throw new KopiaError("NOT_IMPLEMENTED", "mergePolicies");
}
