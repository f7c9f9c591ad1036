import {
  policyHierarchy,
  sourcesEqual,
  type EffectivePolicy,
  type PolicyEntry,
  type Source,
} from "@kopia-engine/snapshotter";

/**
 * Lists that are joined over several levels are said to come from the last level that gives one: what
 * Kopia prints for times of day and extensions.
 */
export function withJoinedListOrigins(
  effective: EffectivePolicy,
  where: { readonly target: Source; readonly stored: readonly PolicyEntry[] },
): EffectivePolicy {
  const definedBy = new Map(effective.definedBy);
  for (const level of policyHierarchy(where.target)) {
    const entry = where.stored.find((candidate) => sourcesEqual(candidate.target, level));
    if (entry === undefined) continue;
    const { scheduling, compression, noParent } = entry.policy;
    if (scheduling.timeOfDay !== undefined) definedBy.set("scheduling.timeOfDay", entry.target);
    if (compression.onlyCompress !== undefined)
      definedBy.set("compression.onlyCompress", entry.target);
    if (compression.neverCompress !== undefined)
      definedBy.set("compression.neverCompress", entry.target);
    if (noParent === true) break;
  }
  return { policy: effective.policy, definedBy };
}
