import { defineCommand } from "../../parser/command.ts";
import { connectFlags } from "./connect-flags.ts";
import { connectToStorage } from "./connect-to-storage.ts";
import { fromConfigFlags, readConnectionSource } from "./from-config-flags.ts";

/** `repository connect from-config`. */
export const command = defineCommand({
  flags: { ...connectFlags, ...fromConfigFlags },
  arguments: {},
  async run(context, { flags }) {
    await connectToStorage(context, await readConnectionSource(context, flags), flags);
  },
});
