import { defineCommand } from "../../parser/command.ts";
import { connectFlags } from "./connect-flags.ts";
import { createFlags } from "./create-flags.ts";
import { createInStorage } from "./create-in-storage.ts";
import { fromConfigFlags, readConnectionSource } from "./from-config-flags.ts";

/** `repository create from-config`. */
export const command = defineCommand({
  flags: { ...createFlags, ...connectFlags, ...fromConfigFlags },
  arguments: {},
  async run(context, { flags }) {
    await createInStorage(context, await readConnectionSource(context, flags), flags);
  },
});
