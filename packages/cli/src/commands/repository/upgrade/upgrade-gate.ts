import type { CommandContext } from "../../../command-context.ts";
import { UsageError } from "../../../parser/usage-error.ts";

/** Variable without which `repository upgrade` refuses to run (spec 3 §6). */
const GATE_VARIABLE = "KOPIA_UPGRADE_LOCK_ENABLED";

/** @throws UsageError unless `KOPIA_UPGRADE_LOCK_ENABLED` is set. */
export function requireUpgradeGate(context: CommandContext): void {
  if ((context.io.env[GATE_VARIABLE] ?? "") !== "") return;
  throw new UsageError(`please set "${GATE_VARIABLE}" env variable to use this feature`);
}
