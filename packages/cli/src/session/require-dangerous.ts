import type { CommandContext } from "../command-context.ts";
import { CommandError } from "../command-error.ts";

const WARNING = `
This command is dangerous, it can corrupt the repository and result in data loss.

Running this command is not needed for using Kopia. Instead, rely on periodic repository maintenance. See https://kopia.io/docs/advanced/maintenance/ for more information.
To run this command despite the warning, set --dangerous-commands=enabled
`;

/** Refuses unless dangerous commands were enabled explicitly (spec 3 §6.1). @throws CommandError. */
export function requireDangerous({ globals }: CommandContext): void {
  if (globals.dangerousCommands !== "enabled") throw new CommandError(WARNING);
}
