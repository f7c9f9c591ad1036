import { errorMessage, isConnected, removeConnection } from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { connectionPath } from "../../session/open-session.ts";

/** `repository disconnect`: forgets connection, password and cache; the repository stays. */
export const command = defineCommand({
  flags: {},
  arguments: {},
  async run(context) {
    const configPath = connectionPath(context);
    if (!isConnected(configPath)) {
      throw new CommandError(
        `unable to disconnect from repository: error loading config file: open ${configPath}: no such file or directory`,
      );
    }
    try {
      await removeConnection(configPath);
    } catch (error) {
      throw new CommandError(`unable to disconnect from repository: ${errorMessage(error)}`, {
        cause: error,
      });
    }
  },
});
