import type { OpenConnectionOptions } from "@kopia-engine/kopia-format";
import type { CommandContext } from "../command-context.ts";

/** Variable that makes opening fail at once while the repository is being upgraded (spec 3 §6). */
const NO_BLOCK_VARIABLE = "KOPIA_REPO_UPGRADE_NO_BLOCK";
/** Unset, and what Go takes for `false`. */
const FALSE_VALUES: ReadonlySet<string> = new Set(["", "0", "f", "F", "false", "FALSE", "False"]);

/**
 * How opening treats an upgrade by somebody else: it waits and says so, unless `KOPIA_REPO_UPGRADE_NO_BLOCK` is set.
 * The original waits without a word, and for a lock whose owner is long gone for ever.
 */
export function upgradeWaiting(
  context: CommandContext,
): Pick<OpenConnectionOptions, "onUpgradeWait" | "signal"> {
  if (!FALSE_VALUES.has(context.io.env[NO_BLOCK_VARIABLE] ?? "")) return {};
  let said = false;
  return {
    signal: context.io.signal,
    onUpgradeWait: ({ ownerId, message }) => {
      if (said) return;
      said = true;
      const what = message === "" ? "" : ` (${message})`;
      context.log.info(
        `The repository is being upgraded by ${JSON.stringify(ownerId)}${what}: waiting for it. Set ${NO_BLOCK_VARIABLE}=1 not to wait.`,
      );
    },
  };
}
