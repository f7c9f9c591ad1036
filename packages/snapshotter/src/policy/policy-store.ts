import {
  KopiaError,
  type ManifestId,
  type ManifestReader,
  type ManifestWriter,
} from "@kopia-engine/kopia-format";
import type { Source } from "../model/source.ts";
import type { EffectivePolicy } from "./merge-policies.ts";
import type { PolicyTree } from "./policy-tree.ts";
import type { Policy } from "./policy.ts";

/** A stored policy with its place. */
export interface PolicyEntry {
  readonly id: ManifestId;
  readonly target: Source;
  readonly policy: Policy;
}

/** All stored policies, ordered by printed target. @throws KopiaError `POLICY_INVALID`. */
export async function listPolicies(manifests: ManifestReader): Promise<PolicyEntry[]> {
  await Promise.resolve();
  void manifests;
  throw new KopiaError("NOT_IMPLEMENTED", "listPolicies");
}

/** The policy stored for exactly this target; of several the latest. */
export async function getDefinedPolicy(
  manifests: ManifestReader,
  target: Source,
): Promise<PolicyEntry | undefined> {
  await Promise.resolve();
  void manifests;
  void target;
  throw new KopiaError("NOT_IMPLEMENTED", "getDefinedPolicy");
}

/** The merged policy of a target with where each value comes from (spec 2 §8.4). */
export async function getEffectivePolicy(
  manifests: ManifestReader,
  target: Source,
): Promise<EffectivePolicy> {
  await Promise.resolve();
  void manifests;
  void target;
  throw new KopiaError("NOT_IMPLEMENTED", "getEffectivePolicy");
}

/** Policies of a source and of the folders below it, as a snapshot uses them (spec 2 §8.4). */
export async function loadPolicyTree(
  manifests: ManifestReader,
  source: Source,
): Promise<PolicyTree> {
  await Promise.resolve();
  void manifests;
  void source;
  throw new KopiaError("NOT_IMPLEMENTED", "loadPolicyTree");
}

/**
 * Stores the policy of a target in place of the one it had.
 * @throws KopiaError `POLICY_INVALID` (values, or a path that ends in a slash).
 */
export async function setPolicy(
  manifests: ManifestWriter,
  target: Source,
  policy: Policy,
): Promise<ManifestId> {
  await Promise.resolve();
  void manifests;
  void target;
  void policy;
  throw new KopiaError("NOT_IMPLEMENTED", "setPolicy");
}

/** Removes the policy of a target; tells whether there was one. */
export async function removePolicy(manifests: ManifestWriter, target: Source): Promise<boolean> {
  await Promise.resolve();
  void manifests;
  void target;
  throw new KopiaError("NOT_IMPLEMENTED", "removePolicy");
}
