import { errorMessage } from "@kopia-engine/kopia-format";
import { formatSource, type Policy, type Source } from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import { withoutTarget } from "./change-list.ts";

/** Stores a policy; a refusal is told in Kopia's words. @throws CommandError. */
export async function savePolicy(
  target: Source,
  policy: Policy,
  store: () => Promise<unknown>,
): Promise<void> {
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
