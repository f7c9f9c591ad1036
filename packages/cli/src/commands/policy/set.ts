import { errorMessage } from "@kopia-engine/kopia-format";
import {
  EMPTY_POLICY,
  formatSource,
  getDefinedPolicy,
  setPolicy,
  type Policy,
  type Source,
} from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { withWriteSession } from "../../session/open-session.ts";
import { ChangeList, withoutTarget } from "./change-list.ts";
import { changePolicy } from "./change-policy.ts";
import { policyTargets, targetArguments } from "./policy-targets.ts";
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
        await save(target, policy, () => setPolicy(manifests, target, policy));
      }
    });
  },
});

async function save(target: Source, policy: Policy, store: () => Promise<unknown>): Promise<void> {
  try {
    await store();
  } catch (error) {
    const reason = refusal(target, policy) ?? validationReason(errorMessage(error));
    throw new CommandError(`can't save policy for ${formatSource(target)}: ${reason}`, {
      cause: error,
    });
  }
}

function validationReason(message: string): string {
  const reason = withoutTarget(message);
  return reason === message ? message : `failed to validate policy: ${reason}`;
}

/** Kopia's words for the refusals that scripts may know. */
function refusal(target: Source, policy: Policy): string | undefined {
  if (target.path.length > 1 && /[\\/]$/.test(target.path))
    return "invalid policy path: path cannot end with a slash or a backslash";
  if (target.path !== "" && policy.upload.maxParallelSnapshots !== undefined)
    return "failed to validate policy: invalid upload policy: max parallel snapshots cannot be specified for paths, only global, username@hostname or @hostname";
  return undefined;
}
