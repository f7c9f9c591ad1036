import type {
  ManifestEntry,
  ManifestId,
  ManifestReader,
  ManifestWriter,
} from "@kopia-engine/kopia-format";
import { compareUtf8 } from "../model/name-order.ts";
import { formatSource, type Source } from "../model/source.ts";
import { mergePolicies, type EffectivePolicy, type PolicyLevel } from "./merge-policies.ts";
import { decodePolicy, encodePolicy } from "./policy-codec.ts";
import {
  policyHierarchy,
  policyLabels,
  targetFromLabels,
  validatePolicyTarget,
} from "./policy-target.ts";
import { createPolicyTree, type PolicyTree } from "./policy-tree.ts";
import type { Policy } from "./policy.ts";
import { validatePolicy } from "./validate-policy.ts";

/** A stored policy with its place. */
export interface PolicyEntry {
  readonly id: ManifestId;
  readonly target: Source;
  readonly policy: Policy;
}

/** All stored policies, ordered by printed target, then age. @throws KopiaError `POLICY_INVALID`. */
export async function listPolicies(manifests: ManifestReader): Promise<PolicyEntry[]> {
  const entries: PolicyEntry[] = [];
  for (const entry of await manifests.find({ type: "policy" })) {
    entries.push(await loadEntry(manifests, entry));
  }
  return entries.sort((a, b) => compareUtf8(formatSource(a.target), formatSource(b.target)));
}

/** The policy stored for exactly this target; of several the latest. @throws KopiaError `POLICY_INVALID`. */
export async function getDefinedPolicy(
  manifests: ManifestReader,
  target: Source,
): Promise<PolicyEntry | undefined> {
  const latest = (await manifests.find(policyLabels(target))).at(-1);
  return latest === undefined ? undefined : loadEntry(manifests, latest);
}

/**
 * The merged policy of a target with where each value comes from (spec 2 §8.4).
 * @throws KopiaError `POLICY_INVALID` when a policy of the hierarchy cannot be read.
 */
export async function getEffectivePolicy(
  manifests: ManifestReader,
  target: Source,
): Promise<EffectivePolicy> {
  const stored = await manifests.find({ type: "policy" });
  return mergePolicies(target, await loadHierarchy(manifests, stored, target));
}

/**
 * Policies of a source and of the folders below it, as a snapshot uses them (spec 2 §8.4).
 * @throws KopiaError `POLICY_INVALID` when one of them cannot be read.
 */
export async function loadPolicyTree(
  manifests: ManifestReader,
  source: Source,
): Promise<PolicyTree> {
  const stored = await manifests.find({ type: "policy" });
  const root = mergePolicies(source, await loadHierarchy(manifests, stored, source));
  const below = new Map<string, Policy>();
  for (const entry of stored) {
    const target = targetFromLabels(entry.labels);
    if (target.userName !== source.userName || target.host !== source.host) continue;
    const relativePath = pathBelow(source.path, target.path);
    if (relativePath === undefined) continue;
    // Of several for one folder the latest counts: `find` gives the oldest first.
    below.set(relativePath, (await loadEntry(manifests, entry)).policy);
  }
  return createPolicyTree(root.policy, below);
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
  validatePolicyTarget(target);
  validatePolicy(policy, target);
  return manifests.replace(policyLabels(target), encodePolicy(policy));
}

/** Removes the policy of a target; tells whether there was one. */
export async function removePolicy(manifests: ManifestWriter, target: Source): Promise<boolean> {
  const stored = await manifests.find(policyLabels(target));
  for (const { id } of stored) await manifests.delete(id);
  return stored.length > 0;
}

/**
 * Levels from the most specific on. A target with several policies (written at the same time by two clients)
 * counts with all of them, the oldest first (spec 2 §8.1).
 */
async function loadHierarchy(
  manifests: ManifestReader,
  stored: readonly ManifestEntry[],
  target: Source,
): Promise<PolicyLevel[]> {
  const levels: PolicyLevel[] = [];
  for (const level of policyHierarchy(target)) {
    const labels = policyLabels(level);
    for (const entry of stored) {
      if (!hasLabels(entry, labels)) continue;
      levels.push(await loadEntry(manifests, entry));
    }
  }
  return levels;
}

function hasLabels(entry: ManifestEntry, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([name, value]) => entry.labels[name] === value);
}

async function loadEntry(manifests: ManifestReader, entry: ManifestEntry): Promise<PolicyEntry> {
  const target = targetFromLabels(entry.labels);
  const payload = await manifests.getPayload(entry.id);
  const policy = decodePolicy(payload, `${formatSource(target)} (manifest ${entry.id})`);
  return { id: entry.id, target, policy };
}

/**
 * Path relative to `root` with `/` between components; `undefined` when it is not strictly below. On sources with
 * a Windows root, backslashes separate as well; elsewhere they are ordinary characters (spec 2 §8.4).
 */
function pathBelow(root: string, path: string): string | undefined {
  const isWindows = /^[A-Za-z]:/.test(root);
  const normal = (text: string): string => (isWindows ? text.replaceAll("\\", "/") : text);
  const prefix = normal(root).endsWith("/") ? normal(root) : `${normal(root)}/`;
  const wanted = normal(path);
  return wanted.startsWith(prefix) && wanted.length > prefix.length
    ? wanted.slice(prefix.length)
    : undefined;
}
