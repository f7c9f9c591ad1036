import {
  changePassword,
  discardCachedFormat,
  errorMessage,
  openStorage,
  readConnection,
  readPersistedPassword,
  writePersistedPassword,
} from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { textFlag } from "../../parser/flag.ts";
import { connectionPath, withRepository } from "../../session/open-session.ts";
import { askNewPassword } from "../../session/password.ts";

/** `repository change-password` (spec 3 §6.3). */
export const command = defineCommand({
  flags: {
    newPassword: textFlag("new-password", { help: "New password", env: "KOPIA_NEW_PASSWORD" }),
  },
  arguments: {},
  async run(context, { flags }) {
    const configPath = connectionPath(context);
    await withRepository(context, async (repository) => {
      if (!repository.format.content.enablePasswordChange) {
        throw new CommandError(
          "unable to change password: password changes are not supported for repositories created using Kopia v0.8 or older",
        );
      }
    });
    const given = flags.newPassword?.trim() ?? "";
    const newPassword = given === "" ? await askNewPassword(context) : given;
    const stored = await readPersistedPassword(configPath);
    const password = currentPassword(context.globals.password, stored);
    const { storage: config, client, caching } = await readConnection(configPath);
    if (config === undefined) throw new CommandError("unable to change password: no storage");
    const storage = await openStorage(config, { readOnly: client.readOnly });
    try {
      await changePassword(storage, { password, newPassword });
    } catch (error) {
      throw new CommandError(`unable to change password: ${errorMessage(error)}`, { cause: error });
    } finally {
      // The original program would go on with what it cached of the old password.
      discardCachedFormat(caching);
      await storage.close();
    }
    if (stored !== undefined) await writePersistedPassword(configPath, newPassword);
    context.log.info("NOTE: Repository password has been changed.");
  },
});

function currentPassword(given: string | undefined, stored: string | undefined): string {
  const password = (given?.trim() ?? "") || stored;
  if (password === undefined) {
    throw new CommandError(
      "unable to change password: the current one is not known\n" +
        "  what to do: set KOPIA_PASSWORD or give --password",
    );
  }
  return password;
}
