import type { CommandContext } from "../command-context.ts";
import { CommandError } from "../command-error.ts";

/**
 * Refuses a command that can lose data unless the user has said that they know (spec 3 §6.1).
 * @throws CommandError.
 */
export function requireDangerousCommands({ globals }: CommandContext): void {
  if (globals.dangerousCommands === "enabled") return;
  throw new CommandError(
    "\nThis command is dangerous, it can corrupt the repository and result in data loss.\n\n" +
      "Running this command is not needed for using Kopia. Instead, rely on periodic repository maintenance. See https://kopia.io/docs/advanced/maintenance/ for more information.\n" +
      "To run this command despite the warning, set --dangerous-commands=enabled\n",
  );
}
