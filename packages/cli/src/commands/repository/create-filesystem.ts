import { defineCommand } from "../../parser/command.ts";
import { connectFlags } from "./connect-flags.ts";
import { createFlags } from "./create-flags.ts";
import { createInStorage } from "./create-in-storage.ts";
import { filesystemFlags, filesystemStorage } from "./filesystem-flags.ts";

/** `repository create filesystem`. */
export const command = defineCommand({
  flags: { ...createFlags, ...connectFlags, ...filesystemFlags },
  arguments: {},
  async run(context, { flags }) {
    await createInStorage(context, { storage: filesystemStorage(flags) }, flags);
  },
});
