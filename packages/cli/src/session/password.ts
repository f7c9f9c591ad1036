import type { CommandContext } from "../command-context.ts";
import { CommandError } from "../command-error.ts";

/** The password given by flag or environment, without whitespace around it; `undefined` for none. */
export function givenPassword(context: CommandContext): string | undefined {
  const password = context.globals.password?.trim() ?? "";
  return password === "" ? undefined : password;
}

/**
 * Asks for the password on a terminal.
 * @throws CommandError where nobody can be asked.
 */
export async function askPassword(context: CommandContext, question: string): Promise<string> {
  const { stdin } = context.io;
  if (!stdin.isTerminal) {
    throw new CommandError(
      "get password: password prompt error: inappropriate ioctl for device\n" +
        "  cause: no password was given, and there is no terminal to ask on\n" +
        "  what to do: set KOPIA_PASSWORD or give --password",
    );
  }
  for (;;) {
    const password = (await stdin.readSecret(question)).trim();
    if (password !== "") return password;
  }
}

/** Asks twice, so that a mistyped password does not become the one of a new repository. */
export async function askNewPassword(context: CommandContext): Promise<string> {
  for (;;) {
    const password = await askPassword(context, "Enter password to create new repository: ");
    const again = await askPassword(context, "Re-enter password for verification: ");
    if (password === again) return password;
    context.log.error("Passwords don't match!");
  }
}
