import { KopiaError } from "@kopia-engine/kopia-format";
import { formatSource, type Source } from "../model/source.ts";
import { isCronExpression } from "./cron-expression.ts";
import type { Policy, SchedulingPolicy } from "./policy.ts";

/**
 * Refuses a policy that must not be stored for a target (spec 2 §8.7).
 * @throws KopiaError `POLICY_INVALID`.
 */
export function validatePolicy(policy: Policy, target: Source): void {
  const problem = schedulingProblem(policy.scheduling) ?? uploadProblem(policy, target);
  if (problem === undefined) return;
  throw new KopiaError("POLICY_INVALID", `policy of ${formatSource(target)}: ${problem}`, {
    details: { target: formatSource(target) },
  });
}

function schedulingProblem(scheduling: SchedulingPolicy): string | undefined {
  const { manual, ...other } = scheduling;
  if (manual === true && Object.values(other).some(isSet)) {
    return "invalid scheduling policy: manual cannot be combined with other scheduling policies";
  }
  const invalid = (scheduling.cron ?? []).find((expression) => !isCronExpression(expression));
  return invalid === undefined
    ? undefined
    : `invalid scheduling policy: invalid cron expression "${invalid}"`;
}

/** Also `false` of a field that may be absent counts. */
function isSet(value: unknown): boolean {
  return value !== undefined && !(Array.isArray(value) && value.length === 0);
}

function uploadProblem(policy: Policy, target: Source): string | undefined {
  if (target.path === "" || policy.upload.maxParallelSnapshots === undefined) return undefined;
  return "invalid upload policy: max parallel snapshots cannot be specified for paths, only global, username@hostname or @hostname";
}
