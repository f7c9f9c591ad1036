import { EMPTY_POLICY, formatSource, getDefinedPolicy, setPolicy } from "@kopia-engine/snapshotter";
import { defineCommand } from "../../parser/command.ts";
import { withWriteSession } from "../../session/open-session.ts";
import { ChangeList } from "./change-list.ts";
import { changePolicy } from "./change-policy.ts";
import { policyTargets, targetArguments } from "./policy-targets.ts";
import { savePolicy } from "./save-policy.ts";
import { setFlags } from "./set-flags.ts";

/** `policy set` (spec 3 §6.9). */
export const command = defineCommand({
  flags: setFlags,
  arguments: targetArguments,
  async run(context, { flags, arguments: { targets } }) {
    await withWriteSession(context, async (session) => {
      const { manifests } = session;
      const chosen = policyTargets(context, session.repository, { global: flags.global, targets });
      for (const target of chosen) {
        const before = (await getDefinedPolicy(manifests, target))?.policy ?? EMPTY_POLICY;
        context.log.info(`Setting policy for ${formatSource(target)}`);
        const policy = await changePolicy(new ChangeList(context.log, before), {
          flags,
          formatBytes: context.formatBytes,
          workingDirectory: context.io.cwd,
        });
        await savePolicy(target, policy, () => setPolicy(manifests, target, policy));
      }
    });
  },
});
