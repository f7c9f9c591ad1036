import { formatSource, removePolicy } from "@kopia-engine/snapshotter";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag } from "../../parser/flag.ts";
import { withWriteSession } from "../../session/open-session.ts";
import { policyTargets, targetArguments, targetFlags } from "./policy-targets.ts";

/** `policy delete`: the target inherits everything again. */
export const command = defineCommand({
  flags: {
    ...targetFlags,
    dryRun: booleanFlag("dry-run", { short: "n", help: "Only say what would be deleted" }),
  },
  arguments: targetArguments,
  async run(context, { flags, arguments: { targets } }) {
    await withWriteSession(
      context,
      async (session) => {
        const chosen = policyTargets(context, session.repository, {
          global: flags.global,
          targets,
        });
        for (const target of chosen) {
          context.log.info(`Removing policy on ${JSON.stringify(formatSource(target))}...`);
          if (!flags.dryRun) await removePolicy(session.manifests, target);
        }
      },
      { onlyTells: flags.dryRun },
    );
  },
});
