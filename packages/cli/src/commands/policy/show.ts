import { goStringify } from "@kopia-engine/kopia-format";
import {
  formatSource,
  getEffectivePolicy,
  listPolicies,
  policyToJson,
} from "@kopia-engine/snapshotter";
import { jsonFlags, printJsonObject } from "../../output/json-output.ts";
import { defineCommand } from "../../parser/command.ts";
import { withRepository } from "../../session/open-session.ts";
import { describePolicy } from "./describe-policy.ts";
import { policyTargets, targetArguments, targetFlags } from "./policy-targets.ts";
import { withJoinedListOrigins } from "./policy-origins.ts";

/** `policy show`: what holds for a target, and where each value comes from. */
export const command = defineCommand({
  flags: { ...targetFlags, ...jsonFlags },
  arguments: targetArguments,
  async run(context, { flags, arguments: { targets } }) {
    await withRepository(context, async (repository) => {
      const { manifests } = repository;
      const chosen = policyTargets(context, repository, { global: flags.global, targets });
      for (const target of chosen) {
        const effective = await getEffectivePolicy(manifests, target);
        if (flags.json) {
          const text = goStringify(policyToJson(effective.policy));
          printJsonObject(context.out, text, { indent: flags.jsonIndent });
          continue;
        }
        const stored = await listPolicies(manifests);
        context.out.line(`Policy for ${formatSource(target)}:`);
        context.out.line("");
        const { policy, definedBy } = withJoinedListOrigins(effective, { target, stored });
        for (const line of describePolicy({
          policy,
          definedBy,
          target,
          formatBytes: context.formatBytes,
        }))
          context.out.line(line);
      }
    });
  },
});
