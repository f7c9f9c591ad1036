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
  throw new KopiaError("POLICY_INVALID", `invalid policy for ${formatSource(target)}: ${problem}`, {
    details: { target: formatSource(target) },
  });
}

function schedulingProblem(scheduling: SchedulingPolicy): string | undefined {
  const { manual, intervalSeconds, timeOfDay, cron } = scheduling;
  if (manual === true) {
    const other =
      intervalSeconds !== undefined ||
      (timeOfDay ?? []).length > 0 ||
      (cron ?? []).length > 0 ||
      scheduling.runMissed === true;
    if (other) return "manual cannot be combined with other scheduling fields";
  }
  for (const { hour, min } of timeOfDay ?? []) {
    if (hour < 0 || hour > 23 || min < 0 || min > 59) return `invalid time of day ${hour}:${min}`;
  }
  const badCron = (cron ?? []).find((expression) => !isCronExpression(expression));
  return badCron === undefined ? undefined : `invalid cron expression "${badCron}"`;
}

function uploadProblem(policy: Policy, target: Source): string | undefined {
  if (target.path === "" || policy.upload.maxParallelSnapshots === undefined) return undefined;
  return "max parallel snapshots cannot be set for a path";
}
