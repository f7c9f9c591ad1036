import type { OpenConnectionOptions } from "@kopia-engine/kopia-format";
import type { CommandContext } from "../command-context.ts";

/** Variable that makes opening fail at once while the repository is being upgraded (spec 3 §6). */
const NO_BLOCK_VARIABLE = "KOPIA_REPO_UPGRADE_NO_BLOCK";
/** Owner ID of an upgrade that this run carries out, by flag or environment; empty for none. */
export function upgradeOwnerId(context: CommandContext): string {
  return context.globals.upgradeOwnerId ?? "";
}

/** The environment of this run, with the owner ID of an upgrade as the flag says it. */
export function openingEnvironment(context: CommandContext): CommandContext["io"]["env"] {
  return { ...context.io.env, KOPIA_REPO_UPGRADE_OWNER_ID: upgradeOwnerId(context) };
}

/**
 * How opening treats an upgrade by somebody else: it waits and says so, unless `KOPIA_REPO_UPGRADE_NO_BLOCK` is set.
 * The original waits without a word, and for a lock whose owner is long gone for ever.
 */
export function upgradeWaiting(
  context: CommandContext,
): Pick<OpenConnectionOptions, "onUpgradeWait" | "signal"> {
  if (context.globals.upgradeNoBlock) return {};
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
